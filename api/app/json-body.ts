/** The JSON body of a request, for the validation of a route and its handler. */
import type { MiddlewareHandler } from 'hono';
import type { ErrorCode } from '../../core/errors.ts';
import { FrameloomError } from '../../core/errors.ts';
import { JsonBodyError, type JsonBodyFault, readJsonText, withoutNullMembers } from '../../core/json-body.ts';

/** The maximum size of a JSON body. */
export const MAX_JSON_BYTES = 1_000_000;
/** How long a JSON body may take to arrive. */
const BODY_TIMEOUT_MS = 30_000;

const CODES: Readonly<Record<JsonBodyFault, ErrorCode>> = {
  too_large: 'payload_too_large',
  too_slow: 'request_timeout',
  cut_off: 'invalid_request',
  compressed: 'unsupported_content_type',
  not_json_type: 'unsupported_content_type',
  not_utf8: 'invalid_request',
  too_deep: 'invalid_request',
};

/**
 * Middleware that reads a JSON body, which handlers then get from `c.req`. Not Hono's body limit: that one
 * makes another request of a body in chunks, which the adapter of Node cannot read.
 */
export const jsonBody: MiddlewareHandler = async (c, next) => {
  const text = await readText(c.req.raw);
  c.req.bodyCache.text = Promise.resolve(withoutNulls(text)) as never; // a promise, which Hono's type omits
  await next();
};

/**
 * The text of a JSON body, for a gateway that forwards it unchanged.
 *
 * @throws FrameloomError
 */
export async function readText(request: Request): Promise<string> {
  try {
    return await readJsonText(request, { maxBytes: MAX_JSON_BYTES, timeoutMs: BODY_TIMEOUT_MS });
  } catch (error) {
    if (!(error instanceof JsonBodyError)) throw error;
    throw new FrameloomError(CODES[error.fault], error.message, { cause: error });
  }
}

/** Clients of OpenAI send null for members that are not set. */
function withoutNulls(text: string): string {
  if (!text.includes('null')) return text;
  try {
    return JSON.stringify(withoutNullMembers(JSON.parse(text)));
  } catch {
    return text; // the validation of the route reports malformed JSON
  }
}
