import { setTimeout as delay } from 'node:timers/promises';
import { ModelError } from '../../onnx/index.ts';
import type {
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  ModelInfo,
  ModelOptions,
} from '../engine/index.ts';
import { type HostProcess, startHostProcess } from './host-process.ts';
import { deserializeError, type HostEvent } from './host-protocol.ts';

/** Milliseconds before a host is started again: none after the first crash in a row, then doubling between these. */
const FIRST_DELAY = 250;
const LAST_DELAY = 10_000;

/** Of what a model may take by its own account, the share that its process may take before it is started anew. */
const RECYCLE_SHARE = 1.25;
/** Bytes that a process needs beside its model. */
const PROCESS_BYTES = 512 * 2 ** 20;

export interface ModelHostOptions extends ModelOptions {
  /**
   * Milliseconds that a cancelled call may go on, such as a long step that cannot be interrupted. Then the host is killed;
   * its other calls go on in the next one. Default 2000.
   */
  readonly cancelGraceMs?: number | undefined;
  /**
   * Milliseconds without a step, a chunk or a picture finished, while there is work, after which the host counts as hung
   * and is killed. Default 120,000.
   */
  readonly hangTimeoutMs?: number | undefined;
  /** Bytes of the process beyond which it is started anew between two answers. */
  readonly maxProcessBytes?: number | undefined;
  /** Told of every start, and of the end before it. For logs. */
  readonly onRestart?: ((reason: string) => void) | undefined;
}

/** A model in a process of its own. */
export interface ModelHost extends Generator {
  readonly info: ModelInfo;
  /** Of the running host; undefined after its end, until the next call starts another. */
  readonly pid: number | undefined;
}

interface Call {
  readonly request: GenerateRequest;
  readonly options: GenerateOptions;
  /** Tokens that are known, for the next host if this one ends. */
  readonly tokens: number[];
  /** Characters of text that the caller has. */
  textLength: number;
  /** Hosts that ended while this call was in them. */
  crashes: number;
  /** Of the host it was sent to. */
  sentTo: HostProcess | undefined;
  /** Text of this host's run that repeats what the caller has. */
  repeated: number;
  resolve(generation: Generation): void;
  reject(error: unknown): void;
}

/**
 * Starts a model host and waits until its model is loaded. When it ends by itself, hangs or grows too large, another takes
 * over: its calls go on from the tokens that are known. Calls that were in a crash go on one at a time, so that the one
 * that causes it is found and fails with `crashed`, and the others do not.
 *
 * @throws ModelError `model_missing`, `model_invalid`, `memory_exceeded` or `crashed`.
 */
export async function startModelHost(options: ModelHostOptions): Promise<ModelHost> {
  const {
    cancelGraceMs = 2000,
    hangTimeoutMs = 120_000,
    maxProcessBytes,
    onRestart,
    ...modelOptions
  } = options;
  const closing = new AbortController();
  const calls = new Map<number, Call>();
  let running: HostProcess | undefined;
  let starting: Promise<HostProcess> | undefined;
  let failures = 0;
  let nextId = 0;
  let progress = 0;
  let progressAt = 0;
  let recycling = false;
  /** Whether the running host was given a call: one that is too large from its start on must still answer one, or none would. */
  let used = false;

  const inFlight = (): readonly Call[] => [...calls.values()].filter((call) => call.sentTo !== undefined);

  function receive(message: HostEvent): void {
    if (message.type === 'beat') watch(message);
    if (!('id' in message)) return;
    const { id } = message;
    const call = calls.get(id);
    if (call === undefined) return;
    switch (message.type) {
      case 'tokens':
        deliver(id, call, message.tokens, message.text);
        break;
      case 'features':
        guarded(id, call, () => call.options.onFeaturesSaved?.(message.index));
        break;
      case 'generated':
        failures = 0;
        end(id, () => call.resolve(message.generation));
        break;
      case 'failed':
        end(id, () => call.reject(deserializeError(message.error)));
        break;
      default:
        message satisfies never;
    }
  }

  function deliver(id: number, call: Call, tokens: readonly number[], text: string): void {
    guarded(id, call, () => {
      call.tokens.push(...tokens);
      if (tokens.length > 0) call.options.onTokens?.(tokens);
      // A host that took over says everything again.
      const fresh = text.slice(call.repeated);
      call.repeated = Math.max(0, call.repeated - text.length);
      call.textLength += fresh.length;
      if (fresh !== '') call.options.onText?.(fresh);
    });
  }

  /** Runs what may be the caller's own mistake: then nobody waits for the rest. */
  function guarded(id: number, call: Call, task: () => void): void {
    try {
      task();
    } catch (error) {
      call.sentTo?.send({ type: 'cancel', id });
      end(id, () => call.reject(error));
    }
  }

  function end(id: number, settle: () => void): void {
    calls.delete(id);
    settle();
    dispatch();
  }

  /** Sees to it that a host which hangs, or takes more and more memory, is replaced. */
  function watch(beat: Extract<HostEvent, { type: 'beat' }>): void {
    const now = performance.now();
    if (beat.progress !== progress || inFlight().length === 0) progressAt = now;
    progress = beat.progress;
    recycling = used && beat.rss > (maxProcessBytes ?? info.maxMemoryBytes * RECYCLE_SHARE + PROCESS_BYTES);
    dispatch();
  }

  // A host whose event loop stands still sends no beats at all.
  const hangTimer = setInterval(
    () => {
      if (running !== undefined && inFlight().length > 0 && performance.now() - progressAt > hangTimeoutMs) {
        onRestart?.(`no progress for ${Math.round(hangTimeoutMs / 1000)} s`);
        running.kill();
      }
    },
    Math.min(1000, hangTimeoutMs),
  );
  hangTimer.unref();

  async function start(): Promise<HostProcess> {
    try {
      if (failures > 1) {
        await delay(Math.min(LAST_DELAY, FIRST_DELAY * 2 ** (failures - 2)), undefined, {
          signal: closing.signal,
        });
      }
      const started = await startHostProcess(modelOptions, receive, closing.signal);
      running = started;
      recycling = false;
      used = false;
      progress = 0;
      progressAt = performance.now();
      void started.ended.then((error) => ended(started, error));
      return started;
    } catch (error) {
      failures += 1;
      throw closing.signal.aborted ? closed() : error;
    } finally {
      starting = undefined;
    }
  }

  function ended(host: HostProcess, error: ModelError): void {
    running = undefined;
    const lost = [...calls].filter(([, call]) => call.sentTo === host);
    // Ended on purpose, for its memory: nothing was in it.
    if (lost.length > 0) failures += 1;
    const alone = lost.length === 1;
    for (const [id, call] of lost) {
      call.sentTo = undefined;
      call.crashes += 1;
      // Crashed twice, the second time with nobody beside it: it is this call.
      if (closing.signal.aborted) end(id, () => call.reject(closed()));
      else if (call.options.signal?.aborted) end(id, () => call.reject(cancelled(error)));
      else if (alone && call.crashes > 1) end(id, () => call.reject(error));
    }
    if (lost.length > 0 && !closing.signal.aborted) onRestart?.(error.message);
    dispatch();
  }

  /** Sends what may be sent. */
  function dispatch(): void {
    if (closing.signal.aborted) return;
    const busy = inFlight();
    if (running !== undefined && recycling) {
      // Between two answers: those under way are let finish, those that wait go to the next host.
      if (busy.length === 0) {
        recycling = false;
        onRestart?.('its memory has grown beyond the limit');
        running.kill();
      }
      return;
    }
    if (calls.size === 0) return;
    if (running === undefined) {
      starting ??= start();
      starting.then(dispatch, failWaiting);
      return;
    }
    // One that was in a crash has the host to itself.
    if (busy.some((call) => call.crashes > 0)) return;
    const waiting = [...calls].filter(([, call]) => call.sentTo === undefined);
    const [suspect] = waiting.filter(([, call]) => call.crashes > 0);
    if (suspect !== undefined) {
      if (busy.length === 0) post(running, ...suspect);
      return;
    }
    for (const [id, call] of waiting) post(running, id, call);
  }

  function post(host: HostProcess, id: number, call: Call): void {
    if (inFlight().length === 0) progressAt = performance.now();
    used = true;
    call.sentTo = host;
    call.repeated = call.textLength;
    host.send({ type: 'generate', id, request: { ...call.request, resume: [...call.tokens] } });
  }

  /** No host could be started. */
  function failWaiting(error: unknown): void {
    for (const [id, call] of calls) {
      if (call.sentTo === undefined) end(id, () => call.reject(error));
    }
  }

  starting = start();
  const { info } = await starting;
  return {
    info,
    get pid() {
      return running?.pid;
    },
    generate: (request, callOptions = {}) => {
      const { signal } = callOptions;
      if (closing.signal.aborted) return Promise.reject(closed());
      if (signal?.aborted) return Promise.reject(cancelled());
      const id = nextId++;
      let graceTimer: NodeJS.Timeout | undefined;
      const onAbort = (): void => {
        const call = calls.get(id);
        const host = call?.sentTo;
        if (host === undefined) {
          end(id, () => call?.reject(cancelled()));
          return;
        }
        host.send({ type: 'cancel', id });
        graceTimer = setTimeout(host.kill, cancelGraceMs);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      return new Promise<Generation>((resolve, reject) => {
        calls.set(id, {
          request,
          options: callOptions,
          tokens: [...(request.resume ?? [])],
          textLength: 0,
          crashes: 0,
          sentTo: undefined,
          repeated: 0,
          resolve,
          reject,
        });
        dispatch();
      }).finally(() => {
        clearTimeout(graceTimer);
        signal?.removeEventListener('abort', onAbort);
      });
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      clearInterval(hangTimer);
      // One that is just starting is killed by the signal, or has become the running one.
      await starting?.catch(() => undefined);
      const host = running;
      host?.kill();
      await host?.ended;
      for (const [id, call] of calls) end(id, () => call.reject(closed()));
    },
  };
}

function cancelled(cause?: unknown): ModelError {
  return new ModelError('cancelled', 'The generation was cancelled.', { cause });
}

function closed(): ModelError {
  return new ModelError('cancelled', 'The model host was closed.');
}
