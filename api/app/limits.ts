/** Bounds that hold before any work is done, and the headers every answer carries. */
import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { FrameloomError } from '../../core/errors.ts';
import type { ApiEnv } from './env.ts';
import { quotaHeaders } from './quotas.ts';

/** Largest JSON body, in bytes. */
export const MAX_JSON_BYTES = 1_000_000;
/** Longest address, in characters. */
export const MAX_URL_LENGTH = 8192;
/** Longest header, in characters. */
export const MAX_HEADER_LENGTH = 8192;

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** What a page of ours may load: files of its own, and pictures it made itself. */
export const PAGE_POLICY =
  "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'; " +
  "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** An answer that is no page loads nothing. */
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

/** Takes the caller's request id or makes one, bounds address and headers, and adds the security headers to the answer. */
export function guard(): MiddlewareHandler<ApiEnv> {
  return async function guarded(c, next) {
    const given = c.req.header('X-Request-Id');
    const requestId = given !== undefined && REQUEST_ID.test(given) ? given : `req_${crypto.randomUUID()}`;
    c.set('requestId', requestId);
    if (c.req.url.length > MAX_URL_LENGTH) {
      throw new FrameloomError('invalid_request', `The address is longer than ${MAX_URL_LENGTH} characters.`);
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

/** Adds what every answer carries. Runs outside everything that can fail. */
export function answerHeaders(): MiddlewareHandler<ApiEnv> {
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

/** Refuses JSON bodies above MAX_JSON_BYTES: by their announced length before reading, by their real one while reading. */
export const jsonLimit: MiddlewareHandler = bodyLimit({
  maxSize: MAX_JSON_BYTES,
  onError: () => {
    throw new FrameloomError('payload_too_large', `A JSON body may have at most ${MAX_JSON_BYTES} bytes.`);
  },
});
