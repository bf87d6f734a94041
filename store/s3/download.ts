/** Reads an object as a stream that goes on where the line was cut, and is checked at its end. */
import { StoreError } from '../artifact-store.ts';
import { pauseAfter, type S3Client } from './client.ts';
import { isPassing, S3Failure, S3Interrupted } from './failure.ts';

/** The bytes `[start, end)` of an object. */
export interface Span {
  readonly key: string;
  readonly start: number;
  readonly end: number;
}

/** Cut-offs in a row without a byte between them after which a stream is given up are as many as the tries of a request. */
export async function* download(
  client: S3Client,
  { key, start, end }: Span,
  opened?: Response,
): AsyncGenerator<Uint8Array> {
  let at = start;
  let failures = 0;
  let response = opened;
  while (at < end) {
    try {
      response ??= await client.send({
        method: 'GET',
        key,
        headers: { range: `bytes=${at}-${end - 1}` },
        expect: [404],
      });
      if (response.status === 404)
        throw new StoreError('not_found', 'the artifact was removed while it was read');
      for await (const chunk of chunksOf(response, client.limits.idle)) {
        // A server that ignores ranges, or sends more than it was asked for, must not reach the reader.
        if (at + chunk.byteLength > end) throw new S3Interrupted('GET: more bytes than asked for');
        at += chunk.byteLength;
        failures = 0;
        yield chunk;
      }
      if (at < end) throw new S3Interrupted('GET: the body was cut off');
    } catch (error) {
      response = undefined;
      failures += 1;
      if (!isPassing(error) || failures >= client.limits.attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, pauseAfter(failures, client.limits.pause)));
    }
  }
}

/** The body of an answer; what stops for longer than `idle` counts as cut off. */
async function* chunksOf(response: Response, idle: number): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new S3Interrupted('GET: nothing more came')), idle);
      });
      const { done, value } = await Promise.race([reader.read(), late])
        .catch((error: unknown) => {
          throw error instanceof S3Interrupted ? error : new S3Interrupted('GET: cut off', { cause: error });
        })
        .finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    // A reader that has enough, or a body that stopped: the connection is of no more use.
    await reader.cancel().catch(() => undefined);
  }
}

/** A web stream of what a generator gives, pulled as it is read. */
export function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
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
export function isMissing(error: unknown): boolean {
  return error instanceof S3Failure && error.status === 404;
}
