/**
 * Protects a server without API keys from web pages that the user of the machine visits. No single header is
 * relied on: a page of another site is recognized by the host it uses (DNS rebinding), by `Origin`, by
 * `Sec-Fetch-Site`, and a browser that sends none of these must not change anything. Programs such as curl
 * send none of them and are not browsers.
 */
import { FrameloomError } from '../core/errors.ts';
import { isLoopback } from './api-keys.ts';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/** @throws FrameloomError `unauthorized` for a request that a page of another site may have sent. */
export function requireLocalRequest({ url, method, headers }: Request): void {
  const { hostname, host } = new URL(url);
  const given = (headers.get('Host') ?? host).toLowerCase();
  if (!isLoopback(hostname) || !isLoopback(given.replace(/:\d*$/, ''))) {
    throw new FrameloomError(
      'unauthorized',
      'Without API keys, this server accepts only requests to localhost.',
    );
  }
  const origin = headers.get('Origin')?.toLowerCase() ?? null;
  const site = headers.get('Sec-Fetch-Site');
  const isOwnOrigin =
    origin !== null && /^https?:/.test(origin) && origin.replace(/^https?:\/\//, '') === given;
  const isForeign =
    (origin !== null && !isOwnOrigin) || (site !== null && site !== 'same-origin' && site !== 'none');
  const isProven = isOwnOrigin || site !== null || SAFE_METHODS.has(method) || !isBrowser(headers);
  if (isForeign || !isProven) {
    throw new FrameloomError(
      'unauthorized',
      'Without API keys, this server accepts only requests from its own pages.',
    );
  }
}

/** Pages can neither remove nor change these headers without asking the server first. */
function isBrowser(headers: Headers): boolean {
  return (
    /^(Mozilla|Opera)\//.test(headers.get('User-Agent') ?? '') ||
    headers.has('Referer') ||
    headers.has('Cookie')
  );
}
