/** Retries of requests to a weights server. An error of the server or the network is often temporary. */
import { retry } from '../core/retry.ts';
import { type Sleep, sleep } from '../core/sleep.ts';
import { WEIGHTS_ERRORS, WeightsError } from './errors.ts';

export interface RetryPolicy {
  /** Most failures in a row. */
  readonly attempts: number;
  readonly sleep: Sleep;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = { attempts: 6, sleep };

/** No jitter: a single client pulls, and the wait is displayed. */
const BACKOFF = { firstMs: 1000, maxMs: 30_000, jitter: 0 } as const;
/** A server that asks for a longer wait ends the pull: the user decides when to continue. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;
/** An attempt that received this much made progress: the count of failures starts anew. */
const PROGRESS_BYTES = 1 << 20;

export interface RetryEvent {
  readonly error: WeightsError;
  readonly waitMs: number;
}

export interface RetryContext {
  readonly policy: RetryPolicy;
  readonly signal: AbortSignal;
  readonly onRetry: (event: RetryEvent) => void;
  /** Bytes received so far, over all attempts. */
  readonly received?: () => number;
}

/**
 * Runs `attempt` until it succeeds, fails with an error that is not retryable, or has failed too often in a
 * row.
 *
 * @throws WeightsError of the last attempt; `cancelled` once the signal aborts.
 */
export async function retryTransfer<T>(
  attempt: () => Promise<T>,
  { policy, signal, onRetry, received = () => 0 }: RetryContext,
): Promise<T> {
  let before = received();
  try {
    return await retry(
      () => {
        before = received();
        return attempt();
      },
      {
        attempts: policy.attempts,
        backoff: BACKOFF,
        maxWaitMs: MAX_RETRY_AFTER_MS,
        isRetryable: (error) => error instanceof WeightsError && WEIGHTS_ERRORS[error.code].retryable,
        waitMs: (error, backoff) =>
          error instanceof WeightsError ? (error.retryAfterMs ?? backoff) : backoff,
        hasProgressed: () => received() - before >= PROGRESS_BYTES,
        onRetry: (error, waitMs) => {
          if (error instanceof WeightsError) onRetry({ error, waitMs });
        },
        signal,
        sleep: policy.sleep,
      },
    );
  } catch (error) {
    throw signal.aborted ? cancelledError(signal) : error;
  }
}

export function cancelledError(signal: AbortSignal): WeightsError {
  return new WeightsError('cancelled', 'The pull was stopped. The downloaded parts are kept.', {
    cause: signal.reason,
  });
}
