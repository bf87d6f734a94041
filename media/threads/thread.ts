/**
 * Runs work on hostile files in threads: they do not block the heartbeats of the worker, can be ended at any
 * moment, and their memory is limited and freed with them.
 */
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';

export interface ThreadLimits {
  /** What the thread does, as the subject of error messages: `The presentation`. */
  readonly subject: string;
  /** Wall-clock limit in milliseconds, for all of the work. */
  readonly timeLimitMs: number;
  /** Most MiB of JavaScript objects. */
  readonly memoryMiB: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a thread reports: its result, or the error that it threw. */
type Outcome =
  | { readonly result: unknown }
  | { readonly code: ErrorCode | undefined; readonly message: string };

/**
 * Starts a thread with the module `name`, a relative path without extension, of the module at `base`. Its
 * environment is empty. From source the thread needs tsx as well; on Node 20 a thread must register it itself.
 */
export function spawnThread(
  name: string,
  base: string,
  input: unknown,
  options: { readonly memoryMiB?: number } = {},
): Worker {
  const common = {
    workerData: input,
    env: {},
    ...(options.memoryMiB === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: options.memoryMiB } }),
  };
  if (!base.endsWith('.ts')) return new Worker(new URL(`${name}.js`, base), common);
  const entry = new URL(`${name}.ts`, base).href;
  const code = `import(${JSON.stringify(import.meta.resolve('tsx/esm/api'))})
    .then(({ register }) => (register(), import(${JSON.stringify(entry)})))`;
  return new Worker(code, { ...common, eval: true, execArgv: [] });
}

/**
 * Returns what `answerInThread` returns for `input` in a thread of the module `name`; see `spawnThread`.
 *
 * @throws FrameloomError that the work throws, `media_too_large` above the limits of time and memory, or the
 *   reason of the signal
 */
export async function runInThread(
  name: string,
  base: string,
  input: unknown,
  { subject, timeLimitMs, memoryMiB, signal }: ThreadLimits,
): Promise<unknown> {
  signal?.throwIfAborted();
  const worker = spawnThread(name, base, input, { memoryMiB });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    const outcome = await new Promise<Outcome>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', (cause: Error & { readonly code?: unknown }) => {
        const isMemory = cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
        reject(isMemory ? tooLarge(`${subject} needs more than ${memoryMiB} MiB of memory to read.`) : cause);
      });
      worker.once('exit', (code) => reject(new Error(`the thread ended with ${code}`)));
      timer = setTimeout(
        () => reject(tooLarge(`${subject} takes more than ${timeLimitMs / 1000} s to read.`)),
        timeLimitMs,
      );
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort);
    });
    if ('result' in outcome) return outcome.result;
    throw outcome.code === undefined
      ? new Error(outcome.message)
      : new FrameloomError(outcome.code, outcome.message);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    worker.on('error', () => undefined); // it is ended on purpose
    await worker.terminate();
  }
}

/** In the thread: reports what `work` returns for the input of the thread, or the error that it throws. */
export async function answerInThread<Input>(work: (input: Input) => Promise<unknown>): Promise<void> {
  let outcome: Outcome;
  try {
    outcome = { result: await work(workerData as Input) }; // as `runInThread` was called
  } catch (error) {
    outcome =
      error instanceof FrameloomError
        ? { code: error.code, message: error.message }
        : { code: undefined, message: String(error) };
  }
  parentPort?.postMessage(outcome);
}

function tooLarge(message: string): FrameloomError {
  return new FrameloomError('media_too_large', message);
}
