/** Gaps of a result. Without zod, because the console needs it too. */
import { ERRORS, isErrorCode } from './errors.ts';

/** Whether a retry can fill the gap. It runs the model again, but the source and the server are the same. */
export function canBeRetried({
  segment,
  reason,
}: {
  readonly segment?: number | undefined;
  readonly reason: string;
}): boolean {
  return segment !== undefined || (isErrorCode(reason) && ERRORS[reason].retryable);
}
