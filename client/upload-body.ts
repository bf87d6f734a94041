/** Sends a large body with progress, in the way each platform supports. */

/** A `Blob` (in browsers, a `File` is one) or a stream of bytes. */
export type UploadBody = Blob | ReadableStream<Uint8Array>;

interface SendOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly onProgress: ((bytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

const CONTENT_TYPE = { 'Content-Type': 'application/octet-stream' } as const;

/** Returns the response, or undefined without one. Rejects with the reason of `signal` when it aborts. */
export async function sendBody(body: UploadBody, options: SendOptions): Promise<Response | undefined> {
  // Browsers stream request bodies over HTTP/2 only and report no progress; XMLHttpRequest does both.
  if (body instanceof Blob && typeof XMLHttpRequest !== 'undefined') return await sendByXhr(body, options);
  const { url, headers, onProgress, signal } = options;
  const stream = body instanceof Blob ? body.stream() : body;
  // With a known length the server can reject a body before it is sent.
  const length = body instanceof Blob ? { 'Content-Length': String(body.size) } : {};
  try {
    return await options.fetch(url, {
      method: 'POST',
      headers: { ...headers, ...CONTENT_TYPE, ...length },
      body: onProgress ? stream.pipeThrough(counter(onProgress)) : stream,
      duplex: 'half',
      ...(signal ? { signal } : {}),
    } as RequestInit); // `duplex` is required for streams, but missing in TypeScript's DOM types
  } catch (error) {
    if (signal?.aborted) throw error;
    return undefined;
  }
}

function counter(onProgress: (bytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      onProgress(bytes);
      controller.enqueue(chunk);
    },
  });
}

function sendByXhr(
  body: Blob,
  { url, headers, onProgress, signal }: SendOptions,
): Promise<Response | undefined> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries({ ...headers, ...CONTENT_TYPE }))
      request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress?.(event.loaded);
    request.onerror = () => resolve(undefined);
    request.onabort = () => reject(signal?.reason ?? new DOMException('aborted', 'AbortError'));
    request.onload = () => {
      const type = request.getResponseHeader('Content-Type') ?? '';
      resolve(
        new Response(request.responseText, { status: request.status, headers: { 'Content-Type': type } }),
      );
    };
    if (signal?.aborted) return reject(signal.reason);
    signal?.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}
