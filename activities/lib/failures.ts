/**
 * Converts every error of an activity to the failure that Temporal records. Its type is a code of
 * core/errors.ts. The history gets the message of a closed vocabulary and never the cause, which may quote a
 * prompt, an address or a path: causes go to the log.
 */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ERRORS, type ErrorCode, FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FailureDetails } from '../../schema/stages.ts';
import { StoreError } from '../../store/artifact-store.ts';
import { publicStoreError } from '../../store/error-codes.ts';
import { MODEL_ERRORS } from './model-errors.ts';

/** Wraps each activity so that every error it throws is recorded with a code. */
export function withTypedFailures<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    async (input: unknown): Promise<unknown> => {
      try {
        return await (run as (input: unknown) => Promise<unknown>)(input); // every activity takes one object
      } catch (error) {
        throw recordedFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T; // same names, same signatures
}

/**
 * Returns the failure to record for `error`, and logs what the failure leaves out. A cancellation is returned
 * as it is.
 */
function recordedFailure(error: unknown): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const { log, info } = Context.current();
  const { code, message } = classify(error);
  if (code === 'internal' || (error instanceof Error && error.cause !== undefined))
    log.warn('the cause of a failed activity', { code, error });
  return ApplicationFailure.create({
    type: code,
    message,
    details: [{ attempts: info.attempt } satisfies FailureDetails],
    nonRetryable: !ERRORS[code].retryable,
    ...nextRetryDelayOf(error),
  });
}

/** The wait that another server asked for, instead of that of the retry policy. */
function nextRetryDelayOf(error: unknown): { readonly nextRetryDelay?: number } {
  if (!(error instanceof ModelError || error instanceof FrameloomError)) return {};
  return error.retryAfterMs === undefined ? {} : { nextRetryDelay: error.retryAfterMs };
}

/**
 * Returns the code and message of an error that no retry can repair, or undefined for other errors and for a
 * cancellation.
 */
export function permanentErrorOf(
  error: unknown,
): { readonly code: ErrorCode; readonly message: string } | undefined {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return undefined;
  const found = classify(error);
  return ERRORS[found.code].retryable ? undefined : found;
}

function classify(error: unknown): { readonly code: ErrorCode; readonly message: string } {
  if (error instanceof FrameloomError) return { code: error.code, message: error.message };
  if (error instanceof StoreError) return publicStoreError(error, 'job');
  if (error instanceof ModelError) {
    const code = MODEL_ERRORS[error.code];
    return { code, message: error.message };
  }
  return { code: 'internal', message: ERRORS.internal.title };
}
