/**
 * Reads an object as a stream that goes on where the line was cut. Its bytes come by ranges that are taken into memory as fast as they
 * arrive, however slow the reader is: a connection whose body nobody reads is paused, and undici ends the process when one
 * is closed meanwhile (nodejs/undici#5360; no 7.x is without it, and importing it puts it behind the `fetch` of Node as well).
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

/** Bytes asked for at once: what a stream takes of memory. Large, so that the way to the bucket and back counts for little. */
export const RANGE_BYTES = 8 * 2 ** 20;

/**
 * The bytes of `span`. `opened` is an answer that holds all of them, at most `RANGE_BYTES`. Cut-offs in a row without a byte between them
 * after which a stream is given up are as many as the tries of a request.
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
    // What came before a cut is good: the reader gets it, and the next range begins after it.
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
 * Puts the body of an answer into `chunks`, without a pause between them; what stops for longer than `idle` counts as cut off. Throws
 * when it has other than `bytes` bytes: a server that ignores ranges must not reach the reader.
 */
async function readBody(response: Response, bytes: number, idleTimeoutMs: number, chunks: Uint8Array[]): Promise<void> {
  const reader = response.body?.getReader();
  let left = bytes;
  try {
    while (reader) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new S3Interrupted('GET: nothing more came')), idleTimeoutMs);
      });
      const { done, value } = await Promise.race([reader.read(), late])
        .catch((error: unknown) => {
          throw error instanceof S3Interrupted ? error : new S3Interrupted('GET: cut off', { cause: error });
        })
        .finally(() => clearTimeout(timer));
      if (done) break;
      if (value.byteLength > left) throw new S3Interrupted('GET: more bytes than asked for');
      left -= value.byteLength;
      chunks.push(value);
    }
    if (left > 0) throw new S3Interrupted('GET: the body was cut off');
  } finally {
    // A body that stopped, or has too much: the connection is of no more use.
    await reader?.cancel().catch(() => undefined);
  }
}

/** A web stream of what a generator gives, pulled as it is read. */
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

/** Whether an answer says that there is no such object, rather than no such bucket. */
export function isNotFound(error: unknown): boolean {
  return error instanceof S3Failure && error.status === 404;
}
