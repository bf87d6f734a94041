/** Maps the failures of Temporal to the errors of clients. */
import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import { isErrorCode, jobError } from '../core/errors.ts';
import type { JobError } from '../schema/job.ts';
import type { FailureDetails } from '../schema/stages.ts';

/** The code and message of a failed activity; anything unexpected becomes `internal` without its details. */
export function errorOf(failure: unknown): JobError {
  const cause = failure instanceof ActivityFailure ? failure.cause : failure;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type))
    return jobError(cause.type, cause.message);
  if (cause instanceof TimeoutFailure)
    return jobError('timeout', 'A stage of the job took longer than allowed.');
  return jobError('internal', 'The job ended because of an unexpected failure.');
}

/**
 * The attempt in which the activity finally failed; after a timeout, the last attempt that reported its
 * number, or 1.
 */
export function attemptsOf(failure: unknown): number {
  for (let cause = failure; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof ApplicationFailure)) continue;
    // As activities/lib/failures.ts writes them.
    const [details] = (cause.details ?? []) as readonly Partial<FailureDetails>[];
    if (typeof details?.attempts === 'number') return details.attempts;
  }
  return 1;
}

/** A failure that ends the workflow, with the code and message of `error`. */
export function failed(error: JobError): ApplicationFailure {
  return ApplicationFailure.nonRetryable(error.message, error.code);
}
