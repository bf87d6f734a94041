/**
 * What the answer of a server means for a source: its bytes, a final answer, or one that may change. Final
 * answers are not repeated: the same request would get the same answer, and the job would only fail later.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { FrameloomError } from '../../core/errors.ts';
import { parseRetryAfter } from '../../core/retry.ts';

/** Statuses below 500 after which the same request may succeed later (RFC 9110, 6585, 8470). */
const TEMPORARY: ReadonlySet<number> = new Set([408, 425, 429]);
/** Least and longest wait between two attempts where the server names one: a second, an hour. */
const WAIT_MS = { least: 1000, longest: 3_600_000 } as const;

/**
 * Returns the error for a status without the bytes of the source: `source_missing` (404, 410),
 * `source_rejected` (final), or `source_unreachable` (408, 425, 429, 5xx), with the wait of `Retry-After`.
 */
export function errorFromStatus(status: number, headers: IncomingHttpHeaders): FrameloomError {
  const message = `The server returned status ${status} for the address.`;
  if (status === 404 || status === 410) return new FrameloomError('source_missing', message);
  if (status < 500 && !TEMPORARY.has(status)) return new FrameloomError('source_rejected', message);
  const wait = parseRetryAfter(headers['retry-after']);
  const retryAfterMs = wait && Math.min(Math.max(wait, WAIT_MS.least), WAIT_MS.longest);
  return new FrameloomError('source_unreachable', message, { retryAfterMs });
}

/** Failures of a certificate, as OpenSSL and Node name them (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const CERTIFICATE =
  /^(CERT_|ERR_TLS_CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_CERT|UNABLE_TO_(GET|VERIFY)|CRL_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE))/;
/** A server that answers in another protocol than that of the URL. */
const OTHER_PROTOCOL = /^(EPROTO|ERR_SSL_|HPE_(?!INVALID_EOF_STATE))/;

/**
 * Returns the error for a connection that could not be made or used: final where the name does not exist, the
 * certificate is not valid or the server does not speak HTTP; otherwise `source_unreachable`.
 */
export function errorFromConnection(cause: unknown): FrameloomError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ENOTFOUND')
    return new FrameloomError('source_missing', 'The host name of the address does not exist.', { cause });
  if (CERTIFICATE.test(code)) {
    return new FrameloomError('source_rejected', 'The certificate of the server is not valid.', { cause });
  }
  if (OTHER_PROTOCOL.test(code)) {
    return new FrameloomError(
      'source_rejected',
      'The server at the address does not respond in the protocol of the URL. Check http, https and the port.',
      { cause },
    );
  }
  return new FrameloomError(
    'source_unreachable',
    'The address cannot be reached, or the download broke. Check the URL.',
    { cause },
  );
}

/**
 * Rejects a web page by its first bytes: what servers send with status 200 instead of a file for which one
 * has to sign in or confirm something. No source is HTML.
 *
 * @throws FrameloomError `unsupported_media`
 */
export function rejectWebPage(start: Buffer): void {
  const text = start
    .subarray(0, 1024)
    .toString('latin1')
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart();
  if (!/^(<!--[\s\S]*?-->\s*)*<(!doctype\s+html|html|head|body)\b/i.test(text)) return;
  throw new FrameloomError(
    'unsupported_media',
    'The address returned a web page (HTML) instead of a file. It may require signing in: use a direct link, or upload the file.',
  );
}
