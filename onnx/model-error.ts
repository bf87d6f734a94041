/**
 * - `model_missing`: files of the model folder are not there.
 * - `model_invalid`: the folder's files cannot be read, or describe something this runtime does not run.
 * - `image_invalid`: a picture that cannot be preprocessed: no pixels, too elongated, or not as long as it says.
 * - `prompt_invalid`: a request that contradicts itself: images not once each and in order, features of another model.
 * - `context_exceeded`: prompt and answer do not fit into the model's context.
 * - `memory_exceeded`: prompt and answer take more memory than the model may have.
 * - `cancelled`: the caller's signal, or the host was closed.
 * - `crashed`: the model process ended; the next call starts another.
 * - `runtime`: ONNX Runtime failed while running, or an endpoint answered what it should not.
 * - `unavailable`: an endpoint does not answer, or has no room now; a later call may succeed.
 * - `refused`: an endpoint does not accept the key, or sends requests elsewhere; no later call will succeed.
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
  | 'refused';

export interface ModelErrorOptions extends ErrorOptions {
  /** Milliseconds after which another call may succeed, where an endpoint has said so. */
  readonly retryAfterMs?: number | undefined;
}

/** Every failure of this room. `message` is fit for users; what they must not see (paths, native messages) is in `cause`. */
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

/** `error` itself when it is a ModelError, else a `runtime` one that carries it as its cause. */
export function asModelError(error: unknown): ModelError {
  return error instanceof ModelError
    ? error
    : new ModelError('runtime', 'The model could not be run.', { cause: error });
}
