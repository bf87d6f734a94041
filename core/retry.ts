/** Retries with exponential backoff, jitter, `Retry-After`, a deadline and an abort signal. Runs on every platform. */
import { type Sleep, sleep as systemSleep } from './sleep.ts';

export interface Backoff {
  /** Milliseconds before the first retry. Each further wait is twice as long. */
  readonly firstMs: number;
  /** Longest wait in milliseconds, before jitter. */
  readonly maxMs: number;
  /** Share by which a wait varies up and down, so that many clients do not retry at the same moment. Default 0.5. */
  readonly jitter?: number;
}

/** The wait after the `failures`th failure in a row (counted from 1), in milliseconds. */
export function backoffMs(
  failures: number,
  { firstMs, maxMs, jitter = 0.5 }: Backoff,
  random: () => number = Math.random,
): number {
  const wait = Math.min(maxMs, firstMs * 2 ** (failures - 1));
  return wait * (1 - jitter + 2 * jitter * random());
}

/**
 * Milliseconds that a `Retry-After` header asks for: a number of seconds or a date (RFC 9110, section 10.2.3).
 * Undefined for a missing or malformed header.
 */
export function parseRetryAfter(
  header: string | null | undefined,
  now: number = Date.now(),
): number | undefined {
  if (header === undefined || header === null) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

export interface RetryOptions {
  /** Most failures in a row; the last one is thrown. */
  readonly attempts: number;
  readonly backoff: Backoff;
  readonly isRetryable: (error: unknown) => boolean;
  /** Replaces the backoff after `error`, for example by `Retry-After`. In milliseconds. */
  readonly waitMs?: ((error: unknown, backoff: number) => number) | undefined;
  /** An error that requires a longer wait than this is thrown instead. In milliseconds; default: no limit. */
  readonly maxWaitMs?: number | undefined;
  /** No attempt starts at this time or later, in milliseconds since the epoch by `now`. Default: no deadline. */
  readonly deadline?: number | undefined;
  /** Whether the attempt that has just failed made progress. It then counts as the first failure in a row. */
  readonly hasProgressed?: (() => boolean) | undefined;
  /** Called before each wait. */
  readonly onRetry?: ((error: unknown, waitMs: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly sleep?: Sleep | undefined;
  readonly now?: (() => number) | undefined;
  readonly random?: (() => number) | undefined;
}

/**
 * Runs `attempt` until it succeeds, up to `attempts` failures in a row. `attempt` receives the number of failures in a
 * row before it.
 *
 * @throws the last error of `attempt`, unchanged; the reason of `signal` once it aborts.
 */
export async function retry<T>(attempt: (failures: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { attempts, backoff, isRetryable, signal, random } = options;
  const { sleep = systemSleep, now = Date.now } = options;
  const { deadline = Number.POSITIVE_INFINITY, maxWaitMs = Number.POSITIVE_INFINITY } = options;
  let failures = 0;
  for (;;) {
    try {
      return await attempt(failures);
    } catch (error) {
      signal?.throwIfAborted();
      if (!isRetryable(error)) throw error;
      failures = options.hasProgressed?.() ? 1 : failures + 1;
      const planned = backoffMs(failures, backoff, random);
      const waitMs = options.waitMs?.(error, planned) ?? planned;
      if (failures >= attempts || waitMs > maxWaitMs || now() + waitMs >= deadline) throw error;
      options.onRetry?.(error, waitMs);
      await sleep(waitMs, signal);
    }
  }
}
