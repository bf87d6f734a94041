/** Errors in OpenAI's format: `{ "error": { "message", "type", "param", "code" } }`. */

import { FrameloomError } from '../../core/errors.ts';
import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';

/** An error that is sent to the client, including its `message`. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly status: number;
  readonly code: string;
  /** The member of the request that caused it. */
  readonly param: string | null;
  /** Seconds to wait before a retry. */
  readonly retryAfter: number | undefined;

  constructor(
    status: number,
    code: string,
    message: string,
    options: ErrorOptions & { readonly param?: string; readonly retryAfter?: number } = {},
  ) {
    super(message, options);
    this.status = status;
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfter = options.retryAfter;
  }
}

/** Status 400: a member of the request is malformed or not supported. */
export function badRequest(param: string, message: string, code = 'invalid_value'): ChatError {
  return new ChatError(400, code, message, { param });
}

const FROM_MODEL: Readonly<Record<ModelErrorCode, readonly [status: number, code: string]>> = {
  model_missing: [503, 'model_missing'],
  model_invalid: [503, 'model_missing'],
  image_invalid: [400, 'invalid_image'],
  prompt_invalid: [400, 'invalid_prompt'],
  context_exceeded: [400, 'context_length_exceeded'],
  memory_exceeded: [400, 'model_memory_exceeded'],
  cancelled: [503, 'server_shutting_down'],
  crashed: [500, 'model_crashed'],
  runtime: [500, 'model_failed'],
  unavailable: [503, 'model_unavailable'],
  rejected: [503, 'model_unavailable'],
};

/** Converts anything thrown to the error for the client. */
export function toChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error;
  if (error instanceof ModelError) {
    const [status, code] = FROM_MODEL[error.code];
    return new ChatError(status, code, error.message, { cause: error });
  }
  if (error instanceof FrameloomError && error.code === 'unauthorized') {
    return new ChatError(401, 'invalid_api_key', error.message, { cause: error });
  }
  return new ChatError(500, 'internal_error', 'An unexpected error occurred.', { cause: error });
}

/** OpenAI's error types. */
function errorType({ status }: ChatError): string {
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The body of an error response, and the last message of a stream that fails. */
export function errorBody(error: ChatError): object {
  return { error: { message: error.message, type: errorType(error), param: error.param, code: error.code } };
}

export function errorResponse(error: ChatError): Response {
  return Response.json(errorBody(error), {
    status: error.status,
    headers: error.retryAfter === undefined ? {} : { 'Retry-After': String(error.retryAfter) },
  });
}
