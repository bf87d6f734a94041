/** Size limits that are checked before any work, and the headers of every response. */
import type { MiddlewareHandler } from 'hono';
import { FrameloomError } from '../../core/errors.ts';
import type { ApiEnv } from './env.ts';
import { quotaHeaders } from './quotas.ts';

/** The maximum length of a URL, in characters. */
export const MAX_URL_LENGTH = 8192;
/** The maximum length of a header value, in characters. */
export const MAX_HEADER_LENGTH = 8192;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Content security policy of HTML pages: files of this server, and images and media the page creates. */
export const PAGE_POLICY =
  "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Content security policy of all other responses: nothing can be loaded. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Middleware that sets the request id and rejects URLs and headers that are too long. */
export function validateRequest(): MiddlewareHandler<ApiEnv> {
  return async function checkRequest(c, next) {
    const given = c.req.header('X-Request-Id');
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : `req_${crypto.randomUUID()}`;
    c.set('requestId', requestId);
    if (c.req.url.length > MAX_URL_LENGTH) {
      throw new FrameloomError('invalid_request', `The URL is longer than ${MAX_URL_LENGTH} characters.`);
    }
    for (const [name, value] of c.req.raw.headers) {
      if (value.length > MAX_HEADER_LENGTH) {
        throw new FrameloomError(
          'invalid_request',
          `The header ${name} is longer than ${MAX_HEADER_LENGTH} characters.`,
        );
      }
    }
    await next();
  };
}

/** Middleware that adds the headers of every response, including errors. */
export function responseHeaders(): MiddlewareHandler<ApiEnv> {
  return async function withHeaders(c, next) {
    await next();
    const { headers } = c.res;
    headers.set('X-Request-Id', c.get('requestId'));
    quotaHeaders(headers, c);
    headers.set('X-Content-Type-Options', 'nosniff');
    headers.set('X-Frame-Options', 'DENY');
    headers.set('Referrer-Policy', 'no-referrer');
    headers.set('Cross-Origin-Resource-Policy', 'same-origin');
    if (!headers.has('Content-Security-Policy')) headers.set('Content-Security-Policy', DATA_POLICY);
    if (!headers.has('Cache-Control')) headers.set('Cache-Control', 'no-store');
  };
}
