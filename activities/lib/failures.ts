/** Every error an activity can end with, as the failure Temporal records: its type is a code of core/errors.ts. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ERRORS, type ErrorCode, FrameloomError } from '../../core/errors.ts';
import { ModelError } from '../../onnx/index.ts';
import type { FailureDetails } from '../../schema/stages.ts';
import { StoreError } from '../../store/artifact-store.ts';
import { publicStoreError } from '../../store/error-codes.ts';
import { MODEL_ERRORS } from './model-errors.ts';

/** Wraps each activity so that whatever it throws is recorded with a code. */
export function withTypedFailures<T extends object>(activities: T): T {
  const wrapped = Object.entries(activities).map(([name, run]) => [
    name,
    async (input: unknown): Promise<unknown> => {
      try {
        return await (run as (input: unknown) => Promise<unknown>)(input); // every activity takes one object
      } catch (error) {
        throw failureOf(error, Context.current().info.attempt);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T; // same names, same signatures
}

/** The failure to record for `error` on this attempt; a cancellation stays one. */
export function failureOf(error: unknown, attempt: number): unknown {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const { code, message } = classify(error);
  return ApplicationFailure.create({
    type: code,
    message,
    details: [{ attempts: attempt } satisfies FailureDetails],
    nonRetryable: !ERRORS[code].retryable,
    ...(error instanceof Error ? { cause: error } : {}),
    ...(error instanceof ModelError && error.retryAfterMs !== undefined
      ? { nextRetryDelay: error.retryAfterMs }
      : {}),
  });
}

/** What to record of an error that no further attempt will mend; undefined where one may, or where the activity is only stopped. */
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
