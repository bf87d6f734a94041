/**
 * A child process that runs a model, one call at a time. Native code may crash, hang or leak: the process is
 * killed and replaced without harm to its parent.
 */
import { forkModelChild, whenModelChildEnded } from './model-child.ts';
import { asModelError, ModelError, type ModelErrorCode } from './model-error.ts';

/** Messages to the process. */
type Command =
  | { readonly type: 'load'; readonly options: unknown }
  | { readonly type: 'call'; readonly input: unknown };

/** Messages from the process. Each answers one command. */
type Reply =
  | { readonly type: 'done'; readonly output: unknown; readonly rss: number }
  | {
      readonly type: 'failed';
      readonly code: ModelErrorCode;
      readonly message: string;
      readonly detail: string;
    };

/** Runs in the child: `load` opens the model and returns the function that each call runs. */
export function serveModelProcess<Options, Input, Output>(
  load: (options: Options) => Promise<(input: Input) => Promise<Output>>,
): void {
  let run: ((input: Input) => Promise<Output>) | undefined;
  const answer = async (command: Command): Promise<unknown> => {
    if (command.type === 'load') {
      run = await load(command.options as Options); // as sent by `startModelProcess`
      return undefined;
    }
    if (run === undefined) throw new ModelError('runtime', 'The model is not loaded.');
    return run(command.input as Input); // as sent by `ModelProcess.call`
  };
  process.on('message', (command: Command) => {
    void answer(command).then(
      (output) => process.send?.({ type: 'done', output, rss: process.memoryUsage.rss() } satisfies Reply),
      (error: unknown) => {
        const { code, message, cause } = asModelError(error);
        const detail = cause instanceof Error ? cause.message : '';
        process.send?.({ type: 'failed', code, message, detail } satisfies Reply);
      },
    );
  });
  process.on('disconnect', () => process.exit());
  // A terminal sends these signals to the whole process group; only the parent decides when the process ends.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
}

export interface ModelProcessOptions<Options> {
  /** URL of the module that calls `serveModelProcess`, by its source name: `new URL('./child.ts', import.meta.url)`. */
  readonly entry: URL;
  readonly load: Options;
  /** Longest time of a call or of loading, in milliseconds. Then the process is killed. */
  readonly timeoutMs: number;
  /** Resident memory in bytes above which the process is replaced after a call. */
  readonly maxBytes: number;
}

/** Disposing kills the process. */
export interface ModelProcess<Input, Output> extends AsyncDisposable {
  /** Process id; undefined while no process runs. */
  readonly pid: number | undefined;
  /**
   * Runs one call. Concurrent calls wait for each other. The process is started on the first call, and again
   * after it has ended.
   *
   * @throws ModelError of the model; `crashed` if the process ended or exceeded its time; the reason of the
   *   signal, which kills the process.
   */
  call(input: Input, signal?: AbortSignal): Promise<Output>;
}

/** Creates a model process. It is started on its first call. */
export function createModelProcess<Options, Input, Output>(
  options: ModelProcessOptions<Options>,
): ModelProcess<Input, Output> {
  let running: Running | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let isClosed = false;

  async function ready(signal: AbortSignal | undefined): Promise<Running> {
    if (running?.hasEnded === false) return running;
    const started = start(options.entry);
    running = started;
    await started.send({ type: 'load', options: options.load }, options.timeoutMs, signal);
    return started;
  }

  async function callNow(input: Input, signal: AbortSignal | undefined): Promise<Output> {
    signal?.throwIfAborted();
    if (isClosed) throw new ModelError('cancelled', 'The model process is closed.');
    const host = await ready(signal);
    const { output, rss } = await host.send({ type: 'call', input }, options.timeoutMs, signal);
    if (rss > options.maxBytes) host.kill();
    return output as Output; // as returned by the function of `serveModelProcess`
  }

  return {
    get pid() {
      return running?.hasEnded === false ? running.pid : undefined;
    },
    call(input, signal) {
      const result = last.then(() => callNow(input, signal));
      last = result.catch(() => undefined);
      return result;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      running?.kill();
      await running?.ended;
    },
  };
}

interface Running {
  readonly pid: number | undefined;
  readonly hasEnded: boolean;
  readonly ended: Promise<unknown>;
  kill(): void;
  send(
    command: Command,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Extract<Reply, { type: 'done' }>>;
}

function start(entry: URL): Running {
  const child = forkModelChild(entry, 'advanced');
  const kill = (): void => void child.kill('SIGKILL');
  let hasEnded = false;
  const ended = whenModelChildEnded(child).then((error) => {
    hasEnded = true;
    return error;
  });
  return {
    pid: child.pid,
    get hasEnded() {
      return hasEnded;
    },
    ended,
    kill,
    async send(command, timeoutMs, signal) {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        kill();
      }, timeoutMs);
      signal?.addEventListener('abort', kill, { once: true });
      try {
        const reply = await new Promise<Reply>((resolve, reject) => {
          child.once('message', (message) => resolve(message as Reply)); // only `serveModelProcess` writes here
          void ended.then(reject);
          if (signal?.aborted) kill();
          else if (child.connected) child.send(command, () => undefined);
        });
        if (reply.type === 'done') return reply;
        throw new ModelError(reply.code, reply.message, { cause: new Error(reply.detail) });
      } catch (error) {
        signal?.throwIfAborted();
        if (!isLate) throw error;
        const seconds = Math.round(timeoutMs / 1000);
        throw new ModelError('crashed', `The model did not finish within ${seconds} s.`, { cause: error });
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener('abort', kill);
        child.removeAllListeners('message');
      }
    },
  };
}
