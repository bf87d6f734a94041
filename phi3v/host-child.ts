/**
 * The model host: a process that holds one model and does what its parent asks, one thing after another. It ends when
 * its parent does. Started by `host.ts` only.
 */
import { asModelError, ModelError } from './errors.ts';
import {
  collectSlices,
  type FromHost,
  type SliceCollector,
  sendSlices,
  type ToHost,
  toWire,
} from './host-protocol.ts';
import { type Model, openModel } from './model.ts';

/** Milliseconds between two messages with tokens. */
const TOKEN_INTERVAL = 25;

type Call = Extract<ToHost, { type: 'encode' | 'generate' }>;

let model: Model | undefined;
let last = Promise.resolve();
const slices = new Map<number, SliceCollector>();
const calls = new Map<number, AbortController>();

/** Resolves when the message has left. A parent that is gone ends this process through `disconnect`. */
function send(message: FromHost): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(message, undefined, undefined, () => resolve());
  });
}

async function open({ folder, threads }: Extract<ToHost, { type: 'open' }>): Promise<void> {
  try {
    model = await openModel({ folder, ...(threads === undefined ? {} : { threads }) });
    await send({ type: 'ready', info: model.info });
  } catch (error) {
    await send({ type: 'refused', error: toWire(asModelError(error)) });
  }
}

async function answer(call: Call, signal: AbortSignal): Promise<void> {
  try {
    signal.throwIfAborted();
    if (model === undefined) throw new ModelError('runtime', 'The model is not loaded.');
    if (call.type === 'encode') await encode(model, call);
    else await generate(model, call, signal);
  } catch (error) {
    const cancelled = signal.aborted && !(error instanceof ModelError);
    const reported = cancelled ? new ModelError('cancelled', 'The call was cancelled.') : asModelError(error);
    await send({ type: 'failed', id: call.id, error: toWire(reported) });
  } finally {
    calls.delete(call.id);
    slices.delete(call.id);
  }
}

async function encode(loaded: Model, { id, image }: Extract<ToHost, { type: 'encode' }>): Promise<void> {
  const { data, ...shape } = await loaded.encodeImage(image);
  await sendSlices(send, id, 0, data);
  await send({ type: 'encoded', id, features: shape });
}

async function generate(
  loaded: Model,
  call: Extract<ToHost, { type: 'generate' }>,
  signal: AbortSignal,
): Promise<void> {
  const { id, prompt, maxTokens, resume } = call;
  const collected = slices.get(id) ?? collectSlices();
  const features = call.features.map((shape, image) => collected.take(image, shape));
  slices.delete(id);
  let fresh: number[] = [];
  let sentAt = 0;
  const flush = (): void => {
    if (fresh.length > 0) void send({ type: 'tokens', id, tokens: fresh });
    fresh = [];
    sentAt = performance.now();
  };
  const onToken = (token: number): void => {
    fresh.push(token);
    if (performance.now() - sentAt >= TOKEN_INTERVAL) flush();
  };
  const generation = await loaded.generate({ prompt, features, maxTokens, resume }, { signal, onToken });
  flush();
  await send({ type: 'generated', id, generation });
}

function receive(message: ToHost): void {
  switch (message.type) {
    case 'open':
      last = open(message);
      break;
    case 'slice': {
      const collected = slices.get(message.id) ?? collectSlices();
      slices.set(message.id, collected);
      collected.add(message);
      break;
    }
    case 'encode':
    case 'generate': {
      const abort = new AbortController();
      calls.set(message.id, abort);
      last = last.then(() => answer(message, abort.signal));
      break;
    }
    case 'cancel':
      calls.get(message.id)?.abort();
      slices.delete(message.id);
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
