/** Trying again, with patience: what a server or a network refuses now it may grant in a moment. */
import { setTimeout as wait } from 'node:timers/promises';
import { WEIGHTS_ERRORS, WeightsError } from './errors.ts';

export interface Patience {
  /** Failures in a row before one is told. */
  readonly tries: number;
  /** Waits; rejects when the signal aborts. */
  sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export const PATIENCE: Patience = {
  tries: 6,
  sleep: (milliseconds, signal) => wait(milliseconds, undefined, { signal }),
};

/** The first wait; each further one is twice as long, up to the longest. */
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** A server that asks for more than this is not waited for: a person decides. */
const LONGEST_ASKED_MS = 10 * 60_000;
/** A try that brought this much was not in vain: the count of failures starts anew. */
const PROGRESS_BYTES = 1 << 20;

export interface Retry {
  readonly error: WeightsError;
  readonly waitMs: number;
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has failed too often in a row. `received` counts the bytes brought so
 * far over all attempts.
 */
export async function retrying<T>(
  attempt: () => Promise<T>,
  patience: Patience,
  signal: AbortSignal,
  onRetry: (retry: Retry) => void,
  received: () => number = () => 0,
): Promise<T> {
  let failures = 0;
  let before = received();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw stopped(signal);
      if (!(error instanceof WeightsError) || !WEIGHTS_ERRORS[error.code].retryable) throw error;
      const now = received();
      failures = now - before >= PROGRESS_BYTES ? 1 : failures + 1;
      before = now;
      const waitMs = error.retryAfter ?? Math.min(FIRST_WAIT_MS * 2 ** (failures - 1), LONGEST_WAIT_MS);
      if (failures >= patience.tries || waitMs > LONGEST_ASKED_MS) throw error;
      onRetry({ error, waitMs });
      try {
        await patience.sleep(waitMs, signal);
      } catch (cause) {
        throw signal.aborted ? stopped(signal) : cause;
      }
    }
  }
}

export function stopped(signal: AbortSignal): WeightsError {
  return new WeightsError('cancelled', 'The pull was stopped; what has arrived is kept.', {
    cause: signal.reason,
  });
}

/** `Retry-After` in milliseconds: seconds, or a date (RFC 9110, 10.2.3). Undefined where it is neither. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}
