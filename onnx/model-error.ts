/**
 * - `model_missing`: files of the model folder are missing.
 * - `model_invalid`: files of the model folder are malformed, or the runtime does not support them.
 * - `image_invalid`: an image cannot be preprocessed: it is empty, too elongated, or its size does not match
 *   its data.
 * - `prompt_invalid`: an inconsistent request: images that are not referenced once each and in order, or
 *   features of another model.
 * - `context_exceeded`: prompt and generation exceed the context of the model.
 * - `memory_exceeded`: prompt and generation exceed the memory limit of the model.
 * - `cancelled`: the signal of the caller was aborted, or the host was closed.
 * - `crashed`: the model process ended. The next call starts a new one.
 * - `runtime`: ONNX Runtime failed, or an endpoint returned an invalid response.
 * - `unavailable`: an endpoint is not reachable or overloaded. A later call may succeed.
 * - `rejected`: an endpoint rejects the key or redirects. No later call will succeed.
 */
export type ModelErrorCode =
  | 'model_missing'
  | 'model_invalid'
  | 'image_invalid'
  | 'prompt_invalid'
  | 'context_exceeded'
  | 'memory_exceeded'
  | 'cancelled'
  | 'crashed'
  | 'runtime'
  | 'unavailable'
  | 'rejected';

export interface ModelErrorOptions extends ErrorOptions {
  /** Milliseconds until the next attempt, if the endpoint sent `Retry-After`. */
  readonly retryAfterMs?: number | undefined;
}

/** A failure of a model. `message` is safe for users. Paths and native messages are only in `cause`. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly code: ModelErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ModelErrorCode, message: string, options?: ModelErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** Returns `error` if it is a ModelError, else a ModelError `runtime` with `error` as its cause. */
export function asModelError(error: unknown): ModelError {
  return error instanceof ModelError
    ? error
    : new ModelError('runtime', 'The model could not be run.', { cause: error });
}
