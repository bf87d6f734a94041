import type { Problem } from '../schema/problem.ts';

/** An error the server returned, or `unavailable` when the server could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** The problem document (RFC 9457). `code` is stable; `retryable` is true if the same request can succeed later. */
  readonly problem: Problem;

  constructor(problem: Problem, options?: ErrorOptions) {
    super(problem.detail, options);
    this.problem = problem;
  }
}

/** The error of a response that is not successful. */
export async function responseError(response: Response): Promise<ApiError> {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json')) {
    const problem = await response.json().catch(() => undefined);
    if (problem !== undefined) return new ApiError(problem as Problem); // the API documents this content type
  }
  // The response is not from the API, but for example from a proxy.
  const { status } = response;
  return new ApiError({
    ...unavailable(`The server responded with status ${status}.`),
    status,
    retryable: status >= 500 || status === 429,
  });
}

/** The error of a request without a response. */
export function unreachableError(cause?: unknown): ApiError {
  return new ApiError(unavailable('The server does not respond.'), { cause });
}

function unavailable(detail: string): Problem {
  return {
    type: '/docs#error-unavailable',
    title: 'The service is not ready.',
    status: 503,
    detail,
    code: 'unavailable',
    hint: 'Check the address of the server.',
    retryable: true,
    request_id: '',
    error: { message: detail, type: 'server_error', param: null, code: 'unavailable' },
  };
}
