/** Bounds of one request, which hold before the model does any work. */

/** Bytes of a body: some dozens of photographs in base64. */
export const MAX_BODY_BYTES = 64 * 2 ** 20;
export const MAX_MESSAGES = 256;
export const MAX_IMAGES = 64;
/** Bytes of one picture, decoded from base64. */
export const MAX_IMAGE_BYTES = 20 * 2 ** 20;
/** Strings of `stop`, and characters of each. */
export const MAX_STOPS = 16;
export const MAX_STOP_LENGTH = 256;
/** Most crops of a picture that a request may ask for: the grid of 16 that the model was made with. */
export const MAX_CROPS = 16;
/** Tokens of an answer whose request does not say. */
export const DEFAULT_MAX_TOKENS = 1024;
/** Requests in hand, those included that wait for the model. Beyond it they are told to come back. */
export const MAX_REQUESTS = 64;
