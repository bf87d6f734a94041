import { setTimeout as startTimer } from 'node:timers';
import { setTimeout } from 'node:timers/promises';
import { ModelError } from './errors.ts';
import { checkFeatures, type ImageFeatures } from './features.ts';
import type { PaddedImage } from './hd-transform.ts';
import { type HostProcess, startHostProcess } from './host-process.ts';
import { collectSlices, type FromHost, fromWire, sendSlices, type ToHost } from './host-protocol.ts';
import type { GenerateRequest, Generation, ModelInfo } from './model.ts';

/** Milliseconds before a host is started again: none after the first crash in a row, then doubling between these. */
const FIRST_DELAY = 250;
const LAST_DELAY = 10_000;

export interface ModelHostOptions {
  /** The model folder. */
  readonly folder: string;
  /** Threads of a graph's operators; one per core when left out. */
  readonly threads?: number;
  /**
   * Milliseconds that a cancelled call may go on, such as a long step that cannot be interrupted. Then the host is killed,
   * which makes its other calls fail with `crashed`. Default 2000.
   */
  readonly cancelGraceMs?: number;
}

/** A model in a process of its own. Calls may be made at any time; the host does one after another. */
export interface ModelHost extends AsyncDisposable {
  readonly info: ModelInfo;
  /** Of the running host; undefined after a crash, until the next call starts another. */
  readonly pid: number | undefined;
  /**
   * Runs the vision graph on one picture.
   *
   * @throws ModelError `image_invalid`, `cancelled`, `crashed`, `runtime`; when the host must be started again, what
   * `startModelHost` throws.
   */
  encodeImage(image: PaddedImage, options?: { readonly signal?: AbortSignal }): Promise<ImageFeatures>;
  /**
   * Generates the answer to one prompt, greedily.
   *
   * @param options.onTokens gets all new tokens since its last call, in order, those of `resume` not.
   * @throws ModelError `prompt_invalid`, `context_exceeded`, and as `encodeImage`.
   */
  generate(
    request: GenerateRequest,
    options?: { readonly signal?: AbortSignal; readonly onTokens?: (tokens: readonly number[]) => void },
  ): Promise<Generation>;
}

interface Call {
  receive(message: FromHost): void;
  reject(error: unknown): void;
}

/**
 * Starts a model host and waits until its model is loaded. After a crash the next call starts it again.
 *
 * @throws ModelError `model_missing`, `model_invalid` or `crashed`.
 */
export async function startModelHost(options: ModelHostOptions): Promise<ModelHost> {
  const { folder, threads, cancelGraceMs = 2000 } = options;
  const closing = new AbortController();
  const calls = new Map<number, Call>();
  let running: HostProcess | undefined;
  let starting: Promise<HostProcess> | undefined;
  let failures = 0;
  let nextId = 0;

  function receive(message: FromHost): void {
    if (!('id' in message)) return;
    const pending = calls.get(message.id);
    try {
      if (message.type === 'failed') pending?.reject(fromWire(message.error));
      else pending?.receive(message);
    } catch (error) {
      // The caller's own callback failed: nobody waits for the rest.
      void running?.send({ type: 'cancel', id: message.id });
      pending?.reject(error);
    }
  }

  async function start(): Promise<HostProcess> {
    try {
      if (failures > 1) {
        const delay = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** (failures - 2));
        await setTimeout(delay, undefined, { signal: closing.signal });
      }
      const started = await startHostProcess({ folder, threads }, receive, closing.signal);
      void started.ended.then((error) => {
        running = undefined;
        failures += 1;
        for (const pending of calls.values()) pending.reject(closing.signal.aborted ? closed() : error);
      });
      running = started;
      return started;
    } catch (error) {
      failures += 1;
      throw closing.signal.aborted ? closed() : error;
    } finally {
      starting = undefined;
    }
  }

  function acquire(): Promise<HostProcess> {
    if (closing.signal.aborted) return Promise.reject(closed());
    if (running !== undefined) return Promise.resolve(running);
    starting ??= start();
    return starting;
  }

  /** Makes one call. `post` gets its messages out, the one that asks for an answer last. */
  async function call<T>(
    signal: AbortSignal | undefined,
    post: (send: HostProcess['send'], id: number) => Promise<ToHost>,
    take: (message: FromHost) => T | undefined,
  ): Promise<T> {
    if (signal?.aborted) throw cancelled();
    const process = await unlessAborted(acquire(), signal);
    // It may have ended while this call was on its way here.
    if (running !== process) throw new ModelError('crashed', 'The model process ended unexpectedly.');
    const id = nextId++;
    let asked = false;
    let graceTimer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      if (!asked) return;
      void process.send({ type: 'cancel', id });
      graceTimer = startTimer(process.kill, cancelGraceMs);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const answer = new Promise<T>((resolve, reject) => {
        calls.set(id, {
          receive: (message) => {
            const answered = take(message);
            if (answered !== undefined) resolve(answered);
          },
          reject: (error) => reject(signal?.aborted && !closing.signal.aborted ? cancelled(error) : error),
        });
      });
      const asking = async (): Promise<void> => {
        const question = await post(process.send, id);
        asked = !signal?.aborted;
        await process.send(asked ? question : { type: 'cancel', id });
        if (!asked) throw cancelled();
      };
      const [result] = await Promise.all([answer, asking()]);
      failures = 0;
      return result;
    } finally {
      calls.delete(id);
      clearTimeout(graceTimer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  const { info } = await acquire();
  return {
    info,
    get pid() {
      return running?.pid;
    },
    encodeImage: (image, { signal } = {}) => {
      const slices = collectSlices();
      return call<ImageFeatures>(
        signal,
        async (_, id) => ({ type: 'encode', id, image }),
        (message) => {
          if (message.type === 'slice') slices.add(message);
          return message.type === 'encoded' ? slices.take(0, message.features) : undefined;
        },
      );
    },
    generate: async ({ prompt, features, maxTokens, resume = [] }, { signal, onTokens } = {}) => {
      checkFeatures(features, info.hiddenSize);
      return call<Generation>(
        signal,
        async (send, id) => {
          for (const [image, { data }] of features.entries()) {
            if (signal?.aborted) break;
            await sendSlices(send, id, image, data);
          }
          const shapes = features.map(({ tokens, hiddenSize }) => ({ tokens, hiddenSize }));
          return { type: 'generate', id, prompt, features: shapes, maxTokens, resume };
        },
        (message) => {
          if (message.type === 'tokens') onTokens?.(message.tokens);
          return message.type === 'generated' ? message.generation : undefined;
        },
      );
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      // One that is just starting is killed by the signal, or has become the running one.
      await starting?.catch(() => undefined);
      const process = running;
      process?.kill();
      await process?.ended;
    },
  };
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(cancelled());
    signal?.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal?.removeEventListener('abort', onAbort));
  });
}

function cancelled(cause?: unknown): ModelError {
  return new ModelError('cancelled', 'The call was cancelled.', { cause });
}

function closed(): ModelError {
  return new ModelError('cancelled', 'The model host was closed.');
}
