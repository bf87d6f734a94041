import type { Readable } from 'node:stream';

/** Maximum number of received bytes that are buffered. Enough to keep disk and network busy. */
const MAX_BUFFERED_BYTES = 4 << 20;

/**
 * Yields the chunks of a body. Unlike the iterator of a stream, which drops its buffer when the connection
 * breaks, it yields all received bytes before it throws. Destroys the body when the reader stops.
 */
export async function* readChunks(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks: Buffer[] = [];
  let bufferedBytes = 0;
  let end: { readonly error?: unknown } | undefined;
  let notifyReader = (): void => undefined;
  const finish = (how: { readonly error?: unknown }): void => {
    end ??= how;
    notifyReader();
  };
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bufferedBytes += chunk.length;
    if (bufferedBytes > MAX_BUFFERED_BYTES) body.pause();
    notifyReader();
  });
  body.on('end', () => finish({}));
  body.on('error', (error) => finish({ error }));
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        bufferedBytes -= chunk.length;
        if (body.isPaused() && bufferedBytes <= MAX_BUFFERED_BYTES / 2) body.resume();
        yield chunk;
      } else if (end !== undefined) {
        if ('error' in end) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          notifyReader = resolve;
        });
      }
    }
  } finally {
    discard(body);
  }
}

/** Destroys a body. undici emits an error for it, which would end the process without a listener. */
export function discard(body: Readable): void {
  body.on('error', () => undefined).destroy();
}
