/**
 * The lifecycle of the model host process: start, restart with back-off, hang detection, and a limit on its
 * memory.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ModelOptions } from '../engine/index.ts';
import { hostClosed } from './host-errors.ts';
import { type HostProcess, startHostProcess } from './host-process.ts';
import type { HostEvent } from './host-protocol.ts';

/**
 * The first restart after a crash is immediate. Further ones in a row wait, from the first delay doubling up
 * to the last.
 */
const FIRST_RESTART_DELAY_MS = 250;
const MAX_RESTART_DELAY_MS = 10_000;

/**
 * The process is replaced when it takes more than this multiple of the model's own limit, plus
 * `PROCESS_OVERHEAD_BYTES`.
 */
const MEMORY_TOLERANCE = 1.25;
const PROCESS_OVERHEAD_BYTES = 512 * 2 ** 20;

/** Longest time between two checks for a hang. */
const HANG_CHECK_INTERVAL_MS = 1000;

export interface SupervisorOptions {
  readonly model: ModelOptions;
  readonly hangTimeoutMs: number;
  /** Default: derived from the memory limit that the first process reports. */
  readonly maxProcessBytes: number | undefined;
  readonly onRestart: ((reason: string) => void) | undefined;
  /** Kills a process that is starting, and prevents further starts. */
  readonly closing: AbortSignal;
}

/** What the supervisor needs from, and reports to, the owner of the requests. */
export interface SupervisorCallbacks {
  /** Whether the running process has work: only then can it hang. */
  isBusy(): boolean;
  /** Receives every event of the running process. */
  onEvent(event: HostEvent): void;
  /** The process has ended, whatever the reason. It is no longer `host`. */
  onEnd(host: HostProcess, reason: Error): void;
}

export interface Supervisor {
  /** The process whose model is loaded; undefined between its end and the next start. */
  readonly host: HostProcess | undefined;
  /** The process is above its memory limit. It gets no new work and is to be replaced when it is idle. */
  readonly needsReplacement: boolean;
  /**
   * Starts a process, or returns the start in progress.
   *
   * @throws ModelError of `startHostProcess`; `cancelled` when the host is closed meanwhile.
   */
  start(): Promise<HostProcess>;
  /** Kills the process because of its memory. The caller has made sure that it is idle. */
  replace(): void;
  /** Work is about to be sent to the process. */
  recordDispatch(): void;
  /** The process has completed work, so the next crash is the first in a row. */
  recordSuccess(): void;
  /** The process has ended with work in it. */
  recordCrash(reason: string): void;
  /** Stops the watchdog, kills the process and waits for its end. `closing` must have been aborted. */
  close(): Promise<void>;
}

/**
 * Starts no process by itself: call `start`. One long function, because its callbacks share the state of one process.
 */
export function createSupervisor(options: SupervisorOptions, callbacks: SupervisorCallbacks): Supervisor {
  const { model, hangTimeoutMs, closing, onRestart } = options;
  let { maxProcessBytes } = options;
  let running: HostProcess | undefined;
  let starting: Promise<HostProcess> | undefined;
  let crashesInARow = 0;
  let progress = 0;
  let progressAtMs = 0;
  let needsReplacement = false;
  // A process that exceeds the limit from its start must still complete one request, or none ever would.
  let hasHadWork = false;

  const watchdog = setInterval(
    () => {
      // A process whose event loop is blocked sends no heartbeats at all.
      if (running === undefined || !callbacks.isBusy() || performance.now() - progressAtMs <= hangTimeoutMs) {
        return;
      }
      onRestart?.(`no progress for ${Math.round(hangTimeoutMs / 1000)} s`);
      running.kill();
    },
    Math.min(HANG_CHECK_INTERVAL_MS, hangTimeoutMs),
  );
  watchdog.unref();

  function receive(event: HostEvent): void {
    if (event.type === 'heartbeat') {
      if (event.progress !== progress || !callbacks.isBusy()) progressAtMs = performance.now();
      progress = event.progress;
      needsReplacement = hasHadWork && event.rss > (maxProcessBytes ?? Number.POSITIVE_INFINITY);
    }
    callbacks.onEvent(event);
  }

  async function startProcess(): Promise<HostProcess> {
    try {
      if (crashesInARow > 1) {
        const delayMs = Math.min(MAX_RESTART_DELAY_MS, FIRST_RESTART_DELAY_MS * 2 ** (crashesInARow - 2));
        await delay(delayMs, undefined, { signal: closing });
      }
      const started = await startHostProcess(model, receive, closing);
      maxProcessBytes ??= started.info.maxMemoryBytes * MEMORY_TOLERANCE + PROCESS_OVERHEAD_BYTES;
      running = started;
      needsReplacement = false;
      hasHadWork = false;
      progress = 0;
      progressAtMs = performance.now();
      void started.ended.then((reason) => {
        running = undefined;
        callbacks.onEnd(started, reason);
      });
      return started;
    } catch (error) {
      crashesInARow += 1;
      throw closing.aborted ? hostClosed() : error;
    } finally {
      starting = undefined;
    }
  }

  return {
    get host() {
      return running;
    },
    get needsReplacement() {
      return needsReplacement;
    },
    start: () => {
      starting ??= startProcess();
      return starting;
    },
    replace: () => {
      needsReplacement = false;
      onRestart?.('its memory has grown beyond the limit');
      running?.kill();
    },
    recordDispatch: () => {
      if (!callbacks.isBusy()) progressAtMs = performance.now();
      hasHadWork = true;
    },
    recordSuccess: () => {
      crashesInARow = 0;
    },
    recordCrash: (reason) => {
      crashesInARow += 1;
      if (!closing.aborted) onRestart?.(reason);
    },
    close: async () => {
      clearInterval(watchdog);
      // A process that is still starting is killed by `closing`, or has become the running one.
      await starting?.catch(() => undefined);
      const last = running;
      last?.kill();
      await last?.ended;
    },
  };
}
