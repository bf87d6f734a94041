/** Errors of the API: RFC 9457 `application/problem+json` with a stable `code`. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../core/errors.ts';

const FieldError = z.object({ path: z.string(), message: z.string() }).meta({ id: 'FieldError' });

const OpenAiError = z
  .object({
    message: z.string().describe('Same as `detail`.'),
    type: z.string().describe('`invalid_request_error`, `rate_limit_error` or `server_error`.'),
    param: z.string().nullable().describe('The first invalid field of a malformed request.'),
    code: z.string().describe('Same as `code`.'),
  })
  .meta({ id: 'OpenAiError', description: 'The same error in the format of OpenAI, for its clients.' });
export type OpenAiError = z.infer<typeof OpenAiError>;

export const Problem = z
  .object({
    type: z.string().describe('A URI that identifies the type of error.'),
    title: z.string().describe('A short description of the type of error.'),
    status: z.int().describe('The HTTP status code.'),
    detail: z.string().describe('A description of this error.'),
    code: z.string().describe('A stable error code.'),
    hint: z.string().describe('How to resolve the error.'),
    retryable: z.boolean().describe('Whether the same request can succeed later.'),
    request_id: z.string().describe('The ID of the request, for support and logs.'),
    errors: z.array(FieldError).optional().describe('The invalid fields of a malformed request.'),
    error: OpenAiError,
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
    error: openAiError({ status, message: detail, param: errors?.[0]?.path, code }),
  };
}

/** Returns an error in OpenAI's format, which its clients print. */
export function openAiError({
  status,
  message,
  param,
  code,
}: {
  readonly status: number;
  readonly message: string;
  readonly param: string | null | undefined;
  readonly code: string;
}): OpenAiError {
  const ofClient = status === 429 ? 'rate_limit_error' : 'invalid_request_error';
  return { message, type: status < 500 ? ofClient : 'server_error', param: param || null, code };
}
