/**
 * Entry point of the model host process: loads one model and runs generations for its parent, many at once.
 * It exits when its parent does. Started by `host-process.ts` only.
 */
import { asModelError, ModelError } from '../../onnx/index.ts';
import { type Model, type ModelOptions, openModel } from '../engine/index.ts';
import {
  HEARTBEAT_INTERVAL_MS,
  type HostCommand,
  type HostEvent,
  type LoadEvent,
  serializeError,
} from './host-protocol.ts';

/** Shortest time between two messages with output of one generation. */
const OUTPUT_INTERVAL_MS = 25;

let model: Model | undefined;
const running = new Map<number, AbortController>();

function send(event: LoadEvent | HostEvent): void {
  process.send?.(event);
}

async function load(options: ModelOptions): Promise<void> {
  try {
    const opened = await openModel(options);
    model = opened;
    send({ type: 'loaded', info: opened.info });
    setInterval(() => {
      send({ type: 'heartbeat', progress: opened.progress, rss: process.memoryUsage.rss() });
    }, HEARTBEAT_INTERVAL_MS);
  } catch (error) {
    send({ type: 'load_failed', error: serializeError(asModelError(error)) });
  }
}

async function generate({ id, request }: Extract<HostCommand, { type: 'generate' }>): Promise<void> {
  const abort = new AbortController();
  running.set(id, abort);
  let tokens: number[] = [];
  let text = '';
  let sentAtMs = 0;
  const flush = (): void => {
    if (tokens.length > 0 || text !== '') send({ type: 'output', id, tokens, text });
    tokens = [];
    text = '';
    sentAtMs = performance.now();
  };
  try {
    if (model === undefined) throw new ModelError('runtime', 'The model is not loaded.');
    const generation = await model.generate(request, {
      signal: abort.signal,
      onTokens: (fresh) => {
        tokens.push(...fresh);
        if (performance.now() - sentAtMs >= OUTPUT_INTERVAL_MS) flush();
      },
      onText: (fresh) => {
        text += fresh;
      },
      onFeaturesSaved: (index) => send({ type: 'features_saved', id, index }),
    });
    flush();
    send({ type: 'completed', id, generation });
  } catch (error) {
    send({ type: 'failed', id, error: serializeError(asModelError(error)) });
  } finally {
    running.delete(id);
  }
}

function receive(command: HostCommand): void {
  switch (command.type) {
    case 'load':
      void load(command.options);
      break;
    case 'generate':
      void generate(command);
      break;
    case 'cancel':
      running.get(command.id)?.abort();
      break;
    default:
      command satisfies never;
  }
}

process.title = 'frameloom-model-host';
process.on('message', receive);
process.on('disconnect', () => process.exit());
// A terminal sends these signals to the whole process group; only the parent decides when the host exits.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
