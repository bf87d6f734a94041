/**
 * The calls of a model host: which are sent when, what comes back, cancellation, and what happens after a
 * crash.
 */
import type { GenerateOptions, GenerateRequest, Generation } from '../engine/index.ts';
import { type Call, callsToSend, createCall, deliverOutput, sendCall } from './call.ts';
import { generationCancelled, hostClosed } from './host-errors.ts';
import type { HostProcess } from './host-process.ts';
import { deserializeError, type HostEvent } from './host-protocol.ts';
import type { Supervisor } from './supervisor.ts';

export interface DispatcherOptions {
  readonly cancelGraceMs: number;
  /** No call is accepted or sent after it has aborted. */
  readonly closing: AbortSignal;
}

export interface Dispatcher {
  /** Whether the running process has a call. */
  isBusy(): boolean;
  /** See `Generator.generate`. */
  generate(request: GenerateRequest, options: GenerateOptions): Promise<Generation>;
  /** Handles an event of the running process. */
  receive(event: HostEvent): void;
  /** Keeps the calls of a process that has ended for the next one, and rejects those that cannot continue. */
  recover(host: HostProcess, reason: Error): void;
  /** Rejects all calls that are left. */
  close(): void;
}

/**
 * A class, since its methods share the table of calls. All calls are sent to the running process at once,
 * whose scheduler batches them; after a crash see `callsToSend`.
 */
class CallDispatcher implements Dispatcher {
  readonly #supervisor: Supervisor;
  readonly #options: DispatcherOptions;
  readonly #calls = new Map<number, Call>();
  #nextId = 0;

  constructor(supervisor: Supervisor, options: DispatcherOptions) {
    this.#supervisor = supervisor;
    this.#options = options;
  }

  isBusy(): boolean {
    return this.#select((call) => call.host !== undefined).length > 0;
  }

  generate(request: GenerateRequest, options: GenerateOptions): Promise<Generation> {
    const { signal } = options;
    if (this.#options.closing.aborted) return Promise.reject(hostClosed());
    if (signal?.aborted) return Promise.reject(generationCancelled());
    const id = this.#nextId++;
    let killTimer: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      killTimer = this.#cancel(id);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    return new Promise<Generation>((resolve, reject) => {
      this.#calls.set(id, createCall(id, request, options, { resolve, reject }));
      this.#dispatch();
    }).finally(() => {
      clearTimeout(killTimer);
      signal?.removeEventListener('abort', onAbort);
    });
  }

  receive(event: HostEvent): void {
    if (event.type === 'heartbeat') {
      this.#dispatch();
      return;
    }
    const call = this.#calls.get(event.id);
    if (call === undefined) return;
    switch (event.type) {
      case 'output':
        this.#notify(call, () => deliverOutput(call, event.tokens, event.text));
        break;
      case 'features_saved':
        this.#notify(call, () => call.options.onFeaturesSaved?.(event.index));
        break;
      case 'completed':
        this.#supervisor.recordSuccess();
        this.#end(call, () => call.resolve(event.generation));
        break;
      case 'failed':
        this.#end(call, () => call.reject(deserializeError(event.error)));
        break;
      default:
        event satisfies never;
    }
  }

  recover(host: HostProcess, reason: Error): void {
    const interrupted = this.#select((call) => call.host === host);
    // A process that was replaced because of its memory was idle.
    if (interrupted.length > 0) this.#supervisor.recordCrash(reason.message);
    const wasAlone = interrupted.length === 1;
    for (const call of interrupted) {
      call.host = undefined;
      call.crashes += 1;
      if (this.#options.closing.aborted) this.#end(call, () => call.reject(hostClosed()));
      else if (call.options.signal?.aborted) this.#end(call, () => call.reject(generationCancelled(reason)));
      else if (wasAlone && call.crashes > 1) this.#end(call, () => call.reject(reason));
    }
    this.#dispatch();
  }

  close(): void {
    for (const call of this.#calls.values()) this.#end(call, () => call.reject(hostClosed()));
  }

  #select(matches: (call: Call) => boolean): readonly Call[] {
    return [...this.#calls.values()].filter(matches);
  }

  #dispatch(): void {
    if (this.#options.closing.aborted) return;
    const { host, needsReplacement } = this.#supervisor;
    if (host !== undefined && needsReplacement) {
      // Calls in flight are completed; those that wait go to the next process.
      if (!this.isBusy()) this.#supervisor.replace();
      return;
    }
    if (this.#calls.size === 0) return;
    if (host === undefined) {
      this.#supervisor.start().then(
        () => this.#dispatch(),
        (error: unknown) => this.#rejectWaiting(error),
      );
      return;
    }
    for (const call of callsToSend([...this.#calls.values()])) {
      this.#supervisor.recordDispatch();
      sendCall(call, host);
    }
  }

  /** Runs a callback of the caller. If it throws, that call alone is cancelled and rejected. */
  #notify(call: Call, callback: () => void): void {
    try {
      callback();
    } catch (error) {
      call.host?.send({ type: 'cancel', id: call.id });
      this.#end(call, () => call.reject(error));
    }
  }

  #end(call: Call, settle: () => void): void {
    this.#calls.delete(call.id);
    settle();
    this.#dispatch();
  }

  /** No process could be started. */
  #rejectWaiting(error: unknown): void {
    for (const call of this.#select(({ host }) => host === undefined)) {
      this.#end(call, () => call.reject(error));
    }
  }

  /** Returns a timer that kills the process unless it ends the call in time. */
  #cancel(id: number): NodeJS.Timeout | undefined {
    const call = this.#calls.get(id);
    if (call?.host === undefined) {
      if (call !== undefined) this.#end(call, () => call.reject(generationCancelled()));
      return undefined;
    }
    call.host.send({ type: 'cancel', id });
    return setTimeout(call.host.kill, this.#options.cancelGraceMs);
  }
}

export function createDispatcher(supervisor: Supervisor, options: DispatcherOptions): Dispatcher {
  return new CallDispatcher(supervisor, options);
}
