/**
 * Streams an object and resumes after a broken connection. Bytes are requested in ranges and buffered at the
 * speed of the network, even if the reader is slow: undici pauses a connection whose body is not read, and
 * ends the process if the server closes it then (nodejs/undici#5360; all 7.x releases are affected, and the
 * `fetch` of Node as well).
 */
import { backoffMs } from '../../core/retry.ts';
import { sleep } from '../../core/sleep.ts';
import { StoreError } from '../artifact-store.ts';
import { MAX_WAIT_MS, type S3Client } from './client.ts';
import { isRetryable, S3Failure, S3Interrupted } from './failure.ts';

/** The bytes `[start, end)` of an object. */
export interface Span {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Size of a range, which is the memory of a stream. Large, so that the round trip to the bucket matters
 * little.
 */
export const RANGE_BYTES = 8 * 2 ** 20;

/**
 * Yields the bytes of `span`. `opened` is a response with all of them, at most `RANGE_BYTES`. Fails after as
 * many failures in a row without a received byte as a request has attempts.
 *
 * @throws StoreError `not_found` if the object was removed meanwhile; S3Failure, S3Interrupted.
 */
export async function* download(
  client: S3Client,
  { key, start, end }: Span,
  opened?: Response,
): AsyncGenerator<Uint8Array> {
  let offset = start;
  let failures = 0;
  let response = opened;
  while (offset < end) {
    const until = opened ? end : Math.min(offset + RANGE_BYTES, end);
    const chunks: Uint8Array[] = [];
    let failure: unknown;
    try {
      response ??= await client.send({
        method: 'GET',
        key,
        headers: { range: `bytes=${offset}-${until - 1}` },
        acceptedStatuses: [404],
      });
      if (response.status === 404) {
        await response.body?.cancel();
        throw new StoreError('not_found', 'the artifact was removed while it was read');
      }
      await readBody(response, until - offset, client.limits.idleTimeoutMs, chunks);
    } catch (error) {
      failure = error;
    }
    response = undefined;
    // Received bytes are valid: they are yielded, and the next range starts after them.
    if (chunks.length > 0) failures = 0;
    for (const chunk of chunks) {
      offset += chunk.byteLength;
      yield chunk;
    }
    if (failure === undefined) continue;
    failures += 1;
    if (!isRetryable(failure) || failures >= client.limits.attempts) throw failure;
    // Not `retry`: each attempt yields the bytes that it got before it failed.
    await sleep(backoffMs(failures, { firstMs: client.limits.firstBackoffMs, maxMs: MAX_WAIT_MS }));
  }
}

/**
 * Appends the body of a response to `chunks`. A body that pauses for longer than the timeout counts as
 * interrupted.
 *
 * @throws S3Interrupted also if the body does not have `bytes` bytes, as from a server that ignores ranges.
 */
async function readBody(
  response: Response,
  bytes: number,
  idleTimeoutMs: number,
  chunks: Uint8Array[],
): Promise<void> {
  const reader = response.body?.getReader();
  let left = bytes;
  try {
    while (reader) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new S3Interrupted('GET: the body stopped')), idleTimeoutMs);
      });
      const { done, value } = await Promise.race([reader.read(), late])
        .catch((error: unknown) => {
          throw error instanceof S3Interrupted
            ? error
            : new S3Interrupted('GET: connection broken', { cause: error });
        })
        .finally(() => clearTimeout(timer));
      if (done) break;
      if (value.byteLength > left) throw new S3Interrupted('GET: more bytes than requested');
      left -= value.byteLength;
      chunks.push(value);
    }
    if (left > 0) throw new S3Interrupted('GET: the body was incomplete');
  } finally {
    // The connection of an incomplete or too long body cannot be reused.
    await reader?.cancel().catch(() => undefined);
  }
}

/** Converts a generator to a web stream, which pulls each chunk when it is read. */
export function toReadableStream(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await chunks.return(undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** Whether an error means that the object does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof S3Failure && error.status === 404;
}
