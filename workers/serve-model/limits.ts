/** Limits of one request, checked before the model does any work. */

/** Request body: some dozens of photographs in base64. */
export const MAX_BODY_BYTES = 64 * 2 ** 20;
/** How long a body may take to arrive, in milliseconds. */
export const BODY_TIMEOUT_MS = 300_000;
export const MAX_MESSAGES = 256;
export const MAX_IMAGES = 64;
/** One image, decoded from base64. */
export const MAX_IMAGE_BYTES = 20 * 2 ** 20;
/** Number of `stop` strings, and characters of each. */
export const MAX_STOPS = 16;
export const MAX_STOP_LENGTH = 256;
/** Crops of one image: the largest grid that the model was trained with. */
export const MAX_CROPS = 16;
/** Default of `max_completion_tokens`. */
export const DEFAULT_MAX_TOKENS = 1024;
/** Requests in flight, including those that wait for the model. Further ones get status 429. */
export const MAX_REQUESTS = 64;
