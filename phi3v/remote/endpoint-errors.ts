import { ModelError, type ModelErrorCode } from '../../onnx/index.ts';
import { ErrorResponse } from './wire.ts';

/** Characters of an endpoint's own words that are kept, for logs: nobody knows what they hold. */
const WORDS_KEPT = 500;
/** Longest wait that an endpoint may ask for, in milliseconds. */
const LONGEST_WAIT = 10 * 60_000;

/** OpenAI's codes, and those of our own endpoint. */
const BY_CODE: Readonly<Record<string, ModelErrorCode>> = {
  context_length_exceeded: 'context_exceeded',
  invalid_image: 'image_invalid',
  model_memory_exceeded: 'memory_exceeded',
  model_not_found: 'model_missing',
  server_shutting_down: 'unavailable',
  model_crashed: 'crashed',
};

const MESSAGES: Partial<Record<ModelErrorCode, string>> = {
  context_exceeded: 'The prompt does not fit into the context of the model that the endpoint serves.',
  image_invalid: 'The model endpoint cannot read a picture of the prompt.',
  memory_exceeded: 'The model endpoint has not enough memory for this prompt.',
  model_missing: 'The model endpoint does not serve this model.',
  unavailable: 'The model endpoint is being shut down.',
};

/** vLLM and others say it in words only. */
const CONTEXT_WORDS = /context[ _]length|maximum model length|max_model_len/i;

/** The failure that an answer with an error status stands for. `body` is its text, or the beginning of it. */
export function errorFromStatus(
  status: number,
  retryAfter: string | undefined,
  body: string,
  now: Date,
): ModelError {
  const cause = new Error(`HTTP ${status}: ${body.slice(0, WORDS_KEPT)}`);
  const answer = parseError(body);
  if (status === 401 || status === 403) {
    return new ModelError(
      'refused',
      `The model endpoint does not accept the key (status ${status}). Set FRAMELOOM_MODEL_KEY to one that it knows.`,
      { cause },
    );
  }
  if (status >= 300 && status < 400) {
    // The key would go along: it is for the endpoint that was named, and no other.
    return new ModelError(
      'refused',
      'The model endpoint sends requests elsewhere. Set FRAMELOOM_MODEL_URL to the place itself.',
      { cause },
    );
  }
  if (answer !== undefined && status < 500) {
    const code = codeOf(answer);
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
      'The model endpoint has no such address or model. FRAMELOOM_MODEL_URL should end in /v1.',
      { cause },
    );
  }
  if (status === 408 || status === 429 || (status > 500 && status < 600)) {
    const retryAfterMs = parseRetryAfter(retryAfter, now);
    const message = `The model endpoint has no room or is not ready (status ${status}).`;
    return new ModelError('unavailable', message, { cause, retryAfterMs });
  }
  if (status === 500) {
    return modelError('crashed', cause);
  }
  return new ModelError(
    'prompt_invalid',
    `The model endpoint does not take the request (status ${status}).`,
    {
      cause,
    },
  );
}

/** The failure that an error in the middle of a stream stands for. */
export function errorFromStream(answer: ErrorResponse): ModelError {
  return modelError(codeOf(answer) ?? 'crashed', new Error(answer.message.slice(0, WORDS_KEPT)));
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
  return CONTEXT_WORDS.test(message) ? 'context_exceeded' : undefined;
}

/** Milliseconds of a `Retry-After`, which is a number of seconds or a date. */
function parseRetryAfter(value: string | undefined, now: Date): number | undefined {
  if (value === undefined) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now.getTime();
  return Number.isFinite(milliseconds) ? Math.min(Math.max(0, milliseconds), LONGEST_WAIT) : undefined;
}
