/** Errors of the API: RFC 9457 `application/problem+json` with a stable `code`. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../core/errors.ts';

const FieldError = z.object({ path: z.string(), message: z.string() }).meta({ id: 'FieldError' });

export const Problem = z
  .object({
    type: z.string().describe('A URI that identifies the type of error.'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    hint: z.string(),
    retryable: z.boolean(),
    request_id: z.string(),
    errors: z.array(FieldError).optional().describe('The invalid fields of a malformed request.'),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof Problem>;

/** Returns the problem document of an error code. `detail` is shown to users. */
export function createProblem(
  code: ErrorCode,
  detail: string,
  requestId: string,
  errors?: Problem['errors'],
): Problem {
  const { status, title, hint, retryable } = ERRORS[code];
  return {
    type: `/docs#error-${code}`,
    title,
    status,
    detail,
    code,
    hint,
    retryable,
    request_id: requestId,
    ...(errors ? { errors } : {}),
  };
}
