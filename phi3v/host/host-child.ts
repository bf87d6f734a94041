/**
 * The model host: a process that holds one model and answers what its parent asks, many prompts at once. It ends when its
 * parent does. Started by `host-process.ts` only.
 */
import { asModelError, ModelError } from '../../onnx/index.ts';
import { type Model, type ModelOptions, openModel } from '../engine/index.ts';
import { HEARTBEAT_INTERVAL_MS, type HostCommand, type HostEvent, serializeError } from './host-protocol.ts';

/** Milliseconds between two messages with tokens of one answer. */
const TOKEN_INTERVAL = 25;

let model: Model | undefined;
const calls = new Map<number, AbortController>();

/** A parent that is gone ends this process through `disconnect`. */
function send(message: HostEvent): void {
  process.send?.(message);
}

async function open(options: ModelOptions): Promise<void> {
  try {
    const opened = await openModel(options);
    model = opened;
    send({ type: 'ready', info: opened.info });
    setInterval(() => {
      send({ type: 'beat', progress: opened.progress, rss: process.memoryUsage.rss() });
    }, HEARTBEAT_INTERVAL_MS);
  } catch (error) {
    send({ type: 'refused', error: serializeError(asModelError(error)) });
  }
}

async function generate({ id, request }: Extract<HostCommand, { type: 'generate' }>): Promise<void> {
  const abort = new AbortController();
  calls.set(id, abort);
  let tokens: number[] = [];
  let text = '';
  let sentAt = 0;
  const flush = (): void => {
    if (tokens.length > 0 || text !== '') send({ type: 'tokens', id, tokens, text });
    tokens = [];
    text = '';
    sentAt = performance.now();
  };
  try {
    if (model === undefined) throw new ModelError('runtime', 'The model is not loaded.');
    const generation = await model.generate(request, {
      signal: abort.signal,
      onTokens: (fresh) => {
        tokens.push(...fresh);
        if (performance.now() - sentAt >= TOKEN_INTERVAL) flush();
      },
      onText: (piece) => {
        text += piece;
      },
      onFeaturesSaved: (index) => send({ type: 'features', id, index }),
    });
    flush();
    send({ type: 'generated', id, generation });
  } catch (error) {
    send({ type: 'failed', id, error: serializeError(asModelError(error)) });
  } finally {
    calls.delete(id);
  }
}

function receive(message: HostCommand): void {
  switch (message.type) {
    case 'open':
      void open(message.options);
      break;
    case 'generate':
      void generate(message);
      break;
    case 'cancel':
      calls.get(message.id)?.abort();
      break;
    default:
      message satisfies never;
  }
}

process.title = 'frameloom-model-host';
process.on('message', receive);
process.on('disconnect', () => process.exit());
// A terminal sends these to the whole process group; the parent decides when the host ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
