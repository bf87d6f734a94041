/** Errors in OpenAI's form: `{ "error": { "message", "type", "param", "code" } }`. */

import { FrameloomError } from '../../core/errors.ts';
import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';

/** Thrown for whatever a client is to be told. `message` is shown to it. */
export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly status: number;
  readonly code: string;
  /** The field of the request that it is about. */
  readonly param: string | null;
  /** Seconds after which to try again. */
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

/** A field that is malformed or asks for what is not supported. */
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
  refused: [503, 'model_unavailable'],
};

/** Whatever was thrown, as what the client is told. */
export function toChatError(error: unknown): ChatError {
  if (error instanceof ChatError) return error;
  if (error instanceof ModelError) {
    const [status, code] = FROM_MODEL[error.code];
    return new ChatError(status, code, error.message, { cause: error });
  }
  if (error instanceof FrameloomError && error.code === 'unauthorized') {
    return new ChatError(401, 'invalid_api_key', error.message, { cause: error });
  }
  return new ChatError(500, 'internal_error', 'Something unexpected went wrong.', { cause: error });
}

/** OpenAI's names for who has to act. */
function errorType({ status }: ChatError): string {
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}

/** The body of an error answer, and what a stream that breaks off says last. */
export function errorBody(error: ChatError): object {
  return { error: { message: error.message, type: errorType(error), param: error.param, code: error.code } };
}

export function errorResponse(error: ChatError): Response {
  return Response.json(errorBody(error), {
    status: error.status,
    headers: error.retryAfter === undefined ? {} : { 'Retry-After': String(error.retryAfter) },
  });
}
