import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';
import { ErrorResponse } from './wire.ts';

/**
 * How much of an endpoint's own error message is kept as the cause, for logs only: its content is unknown.
 */
const MAX_CAUSE_CHARS = 500;
/** Limit for `Retry-After`. */
const MAX_RETRY_AFTER_MS = 10 * 60_000;

/** Codes of OpenAI, and of `frameloom serve-model`. */
const BY_CODE: Readonly<Record<string, ModelErrorCode>> = {
  context_length_exceeded: 'context_exceeded',
  invalid_image: 'image_invalid',
  model_memory_exceeded: 'memory_exceeded',
  model_not_found: 'model_missing',
  server_shutting_down: 'unavailable',
  model_crashed: 'crashed',
};

const MESSAGES: Partial<Record<ModelErrorCode, string>> = {
  context_exceeded: 'The prompt does not fit into the context of the model at the endpoint.',
  image_invalid: 'The model endpoint cannot read an image of the prompt.',
  memory_exceeded: 'The model endpoint does not have enough memory for this prompt.',
  model_missing: 'The model endpoint does not serve this model.',
  unavailable: 'The model endpoint is shutting down.',
};

/** vLLM and others have no code for it, only a message. */
const CONTEXT_MESSAGE = /context[ _]length|maximum model length|max_model_len/i;

/** The error for a response with an error status. `body` may be truncated. */
export function errorFromStatus(
  status: number,
  retryAfter: string | undefined,
  body: string,
  now: Date,
): ModelError {
  const cause = new Error(`HTTP ${status}: ${body.slice(0, MAX_CAUSE_CHARS)}`);
  const response = parseError(body);
  if (status === 401 || status === 403) {
    return new ModelError(
      'rejected',
      `The model endpoint does not accept the key (status ${status}). Set FRAMELOOM_MODEL_KEY to a valid one.`,
      { cause },
    );
  }
  if (status >= 300 && status < 400) {
    // Following would send the key to a host for which it was not set.
    return new ModelError(
      'rejected',
      'The model endpoint redirects requests. Set FRAMELOOM_MODEL_URL to the final address.',
      { cause },
    );
  }
  if (response !== undefined && status < 500) {
    const code = codeOf(response);
    if (code !== undefined) return modelError(code, cause);
  }
  if (status === 413) {
    return new ModelError('context_exceeded', 'The prompt is larger than the model endpoint accepts.', {
      cause,
    });
  }
  if (status === 404) {
    return new ModelError(
      'model_missing',
      'The model endpoint has no such path or model. FRAMELOOM_MODEL_URL should end in /v1.',
      { cause },
    );
  }
  if (status === 408 || status === 425 || status === 429 || (status > 500 && status < 600)) {
    const retryAfterMs = parseRetryAfter(retryAfter, now);
    const message = `The model endpoint is overloaded or not ready (status ${status}).`;
    return new ModelError('unavailable', message, { cause, retryAfterMs });
  }
  if (status === 500) {
    return modelError('crashed', cause);
  }
  // Final: the same request would be rejected again.
  return new ModelError('rejected', `The model endpoint rejected the request (status ${status}).`, { cause });
}

/** The error for an error message within a stream. */
export function errorFromStream(response: ErrorResponse): ModelError {
  return modelError(codeOf(response) ?? 'crashed', new Error(response.message.slice(0, MAX_CAUSE_CHARS)));
}

function modelError(code: ModelErrorCode, cause: Error): ModelError {
  return new ModelError(code, MESSAGES[code] ?? 'The model endpoint failed on this prompt.', { cause });
}

function parseError(body: string): ErrorResponse | undefined {
  try {
    return ErrorResponse.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function codeOf({ code, message }: ErrorResponse): ModelErrorCode | undefined {
  if (typeof code === 'string' && Object.hasOwn(BY_CODE, code)) return BY_CODE[code];
  return CONTEXT_MESSAGE.test(message) ? 'context_exceeded' : undefined;
}

/** Milliseconds of a `Retry-After` header, which is a number of seconds or a date. */
function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime();
  return Number.isFinite(milliseconds) ? Math.min(Math.max(0, milliseconds), MAX_RETRY_AFTER_MS) : undefined;
}
