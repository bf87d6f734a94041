/**
 * Downloads a source into a file. No other code requests a URL that a client sent. A broken download resumes
 * where it stopped, if the server supports that, because sources are large.
 *
 * It uses Node's own HTTP client: an assertion of undici 7 ends the process when a server closes a connection
 * that nobody reads from (nodejs/undici#5360), which any server could do to a worker.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { FrameloomError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import { checkUrl, guardedLookup } from './address.ts';
import { errorFromConnection, errorFromStatus, rejectWebPage } from './answer.ts';

export interface DownloadLimits {
  /** Most bytes that are accepted; one more is `media_too_large`. */
  readonly maxBytes: number;
  /** Whether private and loopback addresses are allowed, for tests and closed networks. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit of the whole download, in milliseconds. Default one hour. */
  readonly timeLimitMs?: number;
}

const MAX_REDIRECTS = 3;
/** Longest wait for the connection, the first byte or the next byte. */
const IDLE_TIMEOUT_MS = 30_000;
/** Failures in a row, after the last one that brought bytes, before a download fails. */
const ATTEMPTS = 5;
const BACKOFF = { firstMs: 200, maxMs: 3200 } as const;
/** A longer `Retry-After` ends the download; its error says how long to wait. */
const MAX_WAIT_MS = 10_000;

/** Bytes received so far, and the validator by which the rest is known to be of the same content. */
interface Progress {
  bytes: number;
  /** A strong ETag, or the time of the last modification. */
  validator?: string | undefined;
}

/** The server no longer has the content of which a part was received: the download starts again. */
class ContentChanged extends Error {
  override readonly name = 'ContentChanged';
}

/**
 * Downloads `url` to `path`, which must not exist yet. Follows at most three redirects, and checks each
 * target like the first URL. Leaves no file where it throws.
 *
 * @throws FrameloomError `source_forbidden` (private address, other protocol), `source_missing` (404, 410, no such
 *   host), `source_rejected` (any other final answer), `source_unreachable` (worth a retry),
 *   `unsupported_media` (a web page), `media_too_large`, `storage_full`; or the reason of the signal
 */
export async function download(
  url: string,
  path: string,
  limits: DownloadLimits,
): Promise<{ readonly bytes: number }> {
  const deadline = AbortSignal.timeout(limits.timeLimitMs ?? 3_600_000);
  const signal = limits.signal ? AbortSignal.any([limits.signal, deadline]) : deadline;
  const file = await open(path, 'ax');
  try {
    return { bytes: await fetchAll(url, file, limits, signal) };
  } catch (error) {
    await rm(path, { force: true });
    throw limits.signal?.aborted ? limits.signal.reason : downloadFailure(error);
  } finally {
    await file.close();
  }
}

async function fetchAll(
  url: string,
  file: FileHandle,
  limits: DownloadLimits,
  signal: AbortSignal,
): Promise<number> {
  const progress: Progress = { bytes: 0 };
  let before = 0;
  const attempt = async (): Promise<number> => {
    before = progress.bytes;
    const response = await openResponse(url, progress, limits, signal);
    await save(response, file, progress, { maxBytes: limits.maxBytes, signal });
    return progress.bytes;
  };
  return await retry(attempt, {
    attempts: ATTEMPTS,
    backoff: BACKOFF,
    // Without a validator, a resumed body could belong to another version of the file.
    isRetryable: (error) =>
      error instanceof ContentChanged || (progress.validator !== undefined && isTemporary(error)),
    waitMs: (error, backoff) => (error instanceof FrameloomError ? (error.retryAfterMs ?? backoff) : backoff),
    maxWaitMs: MAX_WAIT_MS,
    hasProgressed: () => progress.bytes > before,
    signal,
  });
}

/**
 * Returns the response after redirects; it continues after the received bytes where the server supports that.
 */
async function openResponse(
  url: string,
  progress: Progress,
  limits: DownloadLimits,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const range =
    progress.validator === undefined
      ? {}
      : { range: `bytes=${progress.bytes}-`, 'if-range': progress.validator };
  let target = checkUrl(url, limits.allowPrivate);
  for (let redirects = 0; ; redirects++) {
    const response = await sendRequest(target, {
      signal,
      agent: false, // a separate connection, which closes with the response
      lookup: guardedLookup(limits.allowPrivate),
      timeout: IDLE_TIMEOUT_MS,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'frameloom', ...range },
    });
    const { statusCode = 0, headers } = response;
    const next = [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
    if (next === undefined) return checkResponse(response, progress, limits.maxBytes);
    response.destroy();
    if (redirects === MAX_REDIRECTS) {
      throw new FrameloomError('source_rejected', `The address redirects more than ${MAX_REDIRECTS} times.`);
    }
    target = checkUrl(URL.canParse(next, target) ? new URL(next, target).href : '', limits.allowPrivate);
  }
}

function sendRequest(target: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = target.protocol === 'https:' ? getHttps : getHttp;
    const request = get(target, options, resolve);
    // After the response has arrived, errors are reported by the response instead.
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no byte for ${IDLE_TIMEOUT_MS} ms`)));
  });
}

/**
 * Returns the response if its body is the source, or the rest of it.
 *
 * @throws ContentChanged when it is the rest of something else; FrameloomError otherwise
 */
function checkResponse(response: IncomingMessage, progress: Progress, maxBytes: number): IncomingMessage {
  const failure = failureOf(response, progress, maxBytes);
  if (failure) {
    response.destroy();
    throw failure;
  }
  progress.validator = validatorOf(response);
  return response;
}

function failureOf(
  response: IncomingMessage,
  progress: Progress,
  maxBytes: number,
): FrameloomError | ContentChanged | undefined {
  const { statusCode = 0, headers } = response;
  const { validator } = progress;
  if (validator !== undefined && (statusCode === 206 || statusCode === 416)) {
    const from = Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1]);
    const now = validatorOf(response) ?? validator;
    if (statusCode === 416 || from !== progress.bytes || now !== validator) {
      progress.bytes = 0;
      progress.validator = undefined;
      return new ContentChanged();
    }
  } else if (statusCode === 200 || isWhole(response)) {
    progress.bytes = 0; // from the beginning
  } else {
    return errorFromStatus(statusCode, headers);
  }
  const bytes = progress.bytes + Number(headers['content-length'] ?? 0);
  return bytes > maxBytes ? tooLarge(maxBytes) : undefined;
}

/** Whether a response is all of the content as one range, which some servers send unasked. */
function isWhole({ statusCode, headers }: IncomingMessage): boolean {
  const [, last, total] = /^bytes 0-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  return statusCode === 206 && last !== undefined && Number(last) + 1 === Number(total);
}

function validatorOf({ headers: { etag, 'last-modified': modified } }: IncomingMessage): string | undefined {
  return etag && !etag.startsWith('W/') ? etag : modified;
}

async function save(
  response: IncomingMessage,
  file: FileHandle,
  progress: Progress,
  { maxBytes, signal }: { readonly maxBytes: number; readonly signal: AbortSignal },
): Promise<void> {
  if (progress.bytes === 0) await file.truncate(0);
  await pipeline(
    response,
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        if (progress.bytes === 0) rejectWebPage(chunk);
        if (progress.bytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
        await file.appendFile(chunk);
        progress.bytes += chunk.length;
      }
    },
    { signal },
  );
}

function tooLarge(maxBytes: number): FrameloomError {
  return new FrameloomError(
    'media_too_large',
    `The source has more than ${maxBytes} bytes, which is the limit.`,
  );
}

/** Whether the connection broke, or the server is busy; all other errors would be the same on a retry. */
function isTemporary(error: unknown): boolean {
  return (
    !isDiskFull(error) && (error instanceof FrameloomError ? error : errorFromConnection(error)).retryable
  );
}

function isDiskFull(error: unknown): boolean {
  return isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT');
}

function downloadFailure(error: unknown): FrameloomError {
  if (error instanceof FrameloomError) return error;
  if (isDiskFull(error))
    return new FrameloomError('storage_full', 'The disk of the worker is full.', { cause: error });
  return errorFromConnection(error);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
