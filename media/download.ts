/** Fetches a source into a file. No other code follows an address that a client gave. */
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Agent, type Dispatcher, request } from 'undici';
import { FrameloomError } from '../schema/errors.ts';
import { checkUrl, guardedLookup } from './address.ts';

export interface DownloadLimits {
  /** Most bytes taken; one more is `media_too_large`. */
  readonly maxBytes: number;
  /** Whether addresses may be private or loopback ones. For tests and closed networks. */
  readonly allowPrivate: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Wall-clock limit of it all, in milliseconds. Default one hour. */
  readonly timeLimit?: number;
}

const MAX_REDIRECTS = 3;
/** Milliseconds to connect, to the first byte, and between two bytes. */
const PATIENCE = { connect: 10_000, headers: 30_000, body: 30_000 } as const;

/**
 * Downloads `url` to `path`, which must not exist yet. Redirects are followed three times at most, each target checked like
 * the first. Where it throws, no file is left: `source_forbidden`, `source_missing` (404, 410), `source_unreachable`,
 * `media_too_large`, or the reason of the signal.
 */
export async function download(
  url: string,
  path: string,
  limits: DownloadLimits,
): Promise<{ readonly bytes: number }> {
  const deadline = AbortSignal.timeout(limits.timeLimit ?? 3_600_000);
  const signal = limits.signal ? AbortSignal.any([limits.signal, deadline]) : deadline;
  const agent = new Agent({
    connect: { lookup: guardedLookup(limits.allowPrivate), timeout: PATIENCE.connect },
    headersTimeout: PATIENCE.headers,
    bodyTimeout: PATIENCE.body,
    maxResponseSize: -1, // counted below, where it can be told from a broken connection
  });
  try {
    const body = await follow(url, agent, limits, signal);
    return await save(body, path, limits.maxBytes, signal);
  } catch (error) {
    throw limits.signal?.aborted ? limits.signal.reason : downloadFailure(error);
  } finally {
    await agent.destroy();
  }
}

async function follow(
  url: string,
  agent: Agent,
  limits: DownloadLimits,
  signal: AbortSignal,
): Promise<Readable> {
  let target = checkUrl(url, limits.allowPrivate);
  for (let redirects = 0; ; redirects++) {
    const response = await request(target, {
      dispatcher: agent,
      signal,
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'frameloom' },
    });
    const next = locationOf(response);
    if (next === undefined) return accepted(response, limits.maxBytes);
    discard(response.body);
    if (redirects === MAX_REDIRECTS) {
      throw new FrameloomError('source_unreachable', 'The address redirects too many times.');
    }
    target = checkUrl(URL.canParse(next, target) ? new URL(next, target).href : '', limits.allowPrivate);
  }
}

function locationOf({ statusCode, headers }: Dispatcher.ResponseData): string | undefined {
  if (![301, 302, 303, 307, 308].includes(statusCode)) return undefined;
  return Array.isArray(headers.location) ? headers.location[0] : headers.location;
}

function accepted({ statusCode, headers, body }: Dispatcher.ResponseData, maxBytes: number): Readable {
  const refusal =
    statusCode === 404 || statusCode === 410
      ? new FrameloomError('source_missing', `The address answers ${statusCode}.`)
      : statusCode !== 200
        ? new FrameloomError('source_unreachable', `The address answers ${statusCode}.`)
        : Number(headers['content-length'] ?? 0) > maxBytes
          ? tooLarge(maxBytes)
          : undefined;
  if (!refusal) return body;
  discard(body);
  throw refusal;
}

/** Ends a body nobody reads. undici reports that as an error, which without a listener would end the process. */
function discard(body: Readable): void {
  body.on('error', () => undefined).destroy();
}

async function save(
  body: Readable,
  path: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<{ bytes: number }> {
  const file = createWriteStream(path, { flags: 'wx' });
  let bytes = 0;
  try {
    await pipeline(
      body,
      async function* (chunks: AsyncIterable<Buffer>) {
        for await (const chunk of chunks) {
          bytes += chunk.length;
          if (bytes > maxBytes) throw tooLarge(maxBytes);
          yield chunk;
        }
      },
      file,
      { signal },
    );
    return { bytes };
  } catch (error) {
    if (!isCode(error, 'EEXIST')) await rm(path, { force: true });
    throw error;
  }
}

function tooLarge(maxBytes: number): FrameloomError {
  return new FrameloomError('media_too_large', `The source has more than ${maxBytes} bytes.`);
}

function downloadFailure(error: unknown): unknown {
  if (error instanceof FrameloomError) return error;
  if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT')) {
    return new FrameloomError('storage_full', 'There is no room for the source.', { cause: error });
  }
  if (isCode(error, 'EEXIST')) return error;
  return new FrameloomError('source_unreachable', 'The address does not answer as it should.', {
    cause: error,
  });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
