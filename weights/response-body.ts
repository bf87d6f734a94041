import type { Readable } from 'node:stream';

/** Most bytes that wait to be written: enough that disk and network seldom wait for each other. */
const MAX_WAITING = 4 << 20;

/**
 * The chunks of a body in order. Iterating a stream directly drops what it has buffered when its connection breaks; here all
 * that has arrived comes out before the error does. Ends the body when the reader stops.
 */
export async function* arriving(body: Readable): AsyncGenerator<Buffer, void, undefined> {
  const chunks: Buffer[] = [];
  let waiting = 0;
  let end: { readonly error?: unknown } | undefined;
  let wake = (): void => undefined;
  const finish = (how: { readonly error?: unknown }): void => {
    end ??= how;
    wake();
  };
  body.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    waiting += chunk.length;
    if (waiting > MAX_WAITING) body.pause();
    wake();
  });
  body.on('end', () => finish({}));
  body.on('error', (error) => finish({ error }));
  try {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) {
        waiting -= chunk.length;
        if (body.isPaused() && waiting <= MAX_WAITING / 2) body.resume();
        yield chunk;
      } else if (end !== undefined) {
        if ('error' in end) throw end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    discard(body);
  }
}

/** Ends a body nobody reads. undici reports that as an error, which without a listener would end the process. */
export function discard(body: Readable): void {
  body.on('error', () => undefined).destroy();
}
