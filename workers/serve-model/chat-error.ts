/** Errors in OpenAI's format: `{ "error": { "message", "type", "param", "code" } }`. */

import { TooManyWrongKeys } from '../../config/api-keys.ts';
import { FrameloomError } from '../../core/errors.ts';
import { JsonBodyError, type JsonBodyFault } from '../../core/json-body.ts';
import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';
import { openAiError } from '../../schema/problem.ts';

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

const FROM_BODY: Readonly<Record<JsonBodyFault, readonly [status: number, code: string]>> = {
  too_large: [413, 'request_too_large'],
  too_slow: [408, 'request_timeout'],
  cut_off: [400, 'invalid_json'],
  compressed: [415, 'unsupported_content_encoding'],
  not_json_type: [415, 'unsupported_content_type'],
  not_utf8: [400, 'invalid_json'],
  too_deep: [400, 'invalid_json'],
};

/** Converts anything thrown to the error for the client. */
export function toChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error;
  if (error instanceof ModelError) {
    const [status, code] = FROM_MODEL[error.code];
    return new ChatError(status, code, error.message, { cause: error });
  }
  if (error instanceof JsonBodyError) {
    const [status, code] = FROM_BODY[error.fault];
    return new ChatError(status, code, error.message, { param: 'body', cause: error });
  }
  if (error instanceof FrameloomError && error.code === 'unauthorized') {
    return new ChatError(401, 'invalid_api_key', error.message, { cause: error });
  }
  if (error instanceof TooManyWrongKeys) {
    return new ChatError(429, 'rate_limited', error.message, { retryAfter: error.retryAfter, cause: error });
  }
  return new ChatError(500, 'internal_error', 'An unexpected error occurred.', { cause: error });
}

/** The body of an error response, and the last message of a stream that fails. */
export function errorBody(error: ChatError): object {
  return { error: openAiError(error) };
}

export function errorResponse(error: ChatError): Response {
  return Response.json(errorBody(error), {
    status: error.status,
    headers: {
      ...(error.retryAfter === undefined ? {} : { 'Retry-After': String(error.retryAfter) }),
      // The rest of the body is not read.
      ...(error.status === 413 || error.status === 408 ? { Connection: 'close' } : {}),
    },
  });
}
