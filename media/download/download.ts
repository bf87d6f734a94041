/**
 * Fetches a source into a file. No other code follows an address that a client gave. A line that is cut is taken up where it was,
 * if the server can: what is fetched here is large.
 *
 * Node's own client is used: undici 7 asserts, and so ends the process, when a server ends a connection while nobody reads from it
 * (nodejs/undici#5360), which any address could do to a worker.
 */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { get as getHttp, type IncomingMessage, type RequestOptions } from 'node:http';
import { get as getHttps } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { FrameloomError } from '../../core/errors.ts';
import { retry } from '../../core/retry.ts';
import { checkUrl, guardedLookup } from './address.ts';

export interface DownloadLimits {
  /** Most bytes taken; one more is `media_too_large`. */
  readonly maxBytes: number;
  /** Whether addresses may be private or loopback ones. For tests and closed networks. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit of it all, in milliseconds. Default one hour. */
  readonly timeLimitMs?: number;
}

const MAX_REDIRECTS = 3;
/** Milliseconds without a byte, be it for the connection, the first one or the next one. */
const PATIENCE = 30_000;
/** Failures in a row, after the last one that brought bytes, before a download fails. */
const ATTEMPTS = 5;
const BACKOFF = { firstMs: 200, maxMs: 3200 } as const;

/** What has arrived, and what says that the rest is of the same content. */
interface Progress {
  bytes: number;
  /** A strong ETag, or the time of the last change. */
  validator?: string | undefined;
}

/**
 * Downloads `url` to `path`, which must not exist yet. Redirects are followed three times at most, each target checked like
 * the first. Where it throws, no file is left: `source_forbidden`, `source_missing` (404, 410), `source_unreachable`,
 * `media_too_large`, `storage_full`, or the reason of the signal.
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
  const got: Progress = { bytes: 0 };
  let before = 0;
  const attempt = async (): Promise<number> => {
    before = got.bytes;
    const response = await follow(url, got, limits, signal);
    await save(response, file, got, limits.maxBytes, signal);
    return got.bytes;
  };
  return await retry(attempt, {
    attempts: ATTEMPTS,
    backoff: BACKOFF,
    // Without a validator, a resumed body could belong to another version of the file.
    isRetryable: (error) => got.validator !== undefined && isBroken(error),
    hasProgressed: () => got.bytes > before,
    signal,
  });
}

/** The answer of the last address, from what has arrived on if the server can. */
async function follow(
  url: string,
  got: Progress,
  limits: DownloadLimits,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const range =
    got.validator === undefined ? {} : { range: `bytes=${got.bytes}-`, 'if-range': got.validator };
  let target = checkUrl(url, limits.allowPrivate);
  for (let redirects = 0; ; redirects++) {
    const response = await ask(target, {
      signal,
      agent: false, // a connection of its own, which ends with it
      lookup: guardedLookup(limits.allowPrivate),
      timeout: PATIENCE,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'frameloom', ...range },
    });
    const { statusCode = 0, headers } = response;
    const next = [301, 302, 303, 307, 308].includes(statusCode) ? headers.location : undefined;
    if (next === undefined) return accepted(response, got, limits.maxBytes);
    response.destroy();
    if (redirects === MAX_REDIRECTS) {
      throw new FrameloomError('source_unreachable', 'The address redirects too many times.');
    }
    target = checkUrl(URL.canParse(next, target) ? new URL(next, target).href : '', limits.allowPrivate);
  }
}

function ask(target: URL, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = target.protocol === 'https:' ? getHttps : getHttp;
    const request = get(target, options, resolve);
    // Of a request that has its answer, the answer tells what becomes of it.
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error('no byte came for too long')));
  });
}

function accepted(response: IncomingMessage, got: Progress, maxBytes: number): IncomingMessage {
  const { statusCode = 0, headers } = response;
  const resumed = statusCode === 206 && got.validator !== undefined;
  if (!resumed) got.bytes = 0; // from the beginning
  const from = /^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1];
  const refusal =
    statusCode === 404 || statusCode === 410
      ? new FrameloomError('source_missing', `The address answers ${statusCode}.`)
      : statusCode !== 200 && !(resumed && Number(from) === got.bytes)
        ? new FrameloomError('source_unreachable', `The address answers ${statusCode}.`)
        : got.bytes + Number(headers['content-length'] ?? 0) > maxBytes
          ? tooLarge(maxBytes)
          : undefined;
  if (refusal) {
    response.destroy();
    throw refusal;
  }
  const { etag } = headers;
  got.validator = etag && !etag.startsWith('W/') ? etag : headers['last-modified'];
  return response;
}

async function save(
  response: IncomingMessage,
  file: FileHandle,
  got: Progress,
  maxBytes: number,
  signal: AbortSignal,
): Promise<void> {
  if (got.bytes === 0) await file.truncate(0);
  await pipeline(
    response,
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        if (got.bytes + chunk.length > maxBytes) throw tooLarge(maxBytes);
        await file.appendFile(chunk);
        got.bytes += chunk.length;
      }
    },
    { signal },
  );
}

function tooLarge(maxBytes: number): FrameloomError {
  return new FrameloomError('media_too_large', `The source has more than ${maxBytes} bytes.`);
}

/** Whether the line broke: everything else would be the same another time. */
function isBroken(error: unknown): boolean {
  return !(error instanceof FrameloomError) && !isFull(error);
}

function isFull(error: unknown): boolean {
  return isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT');
}

function downloadFailure(error: unknown): unknown {
  if (error instanceof FrameloomError) return error;
  if (isFull(error))
    return new FrameloomError('storage_full', 'There is no room for the source.', { cause: error });
  return new FrameloomError('source_unreachable', 'The address does not answer as it should.', {
    cause: error,
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
