/** Sending a large body with progress, in the way each platform can. */

/** A Blob (a browser's File is one) or a stream of bytes. */
export type UploadBody = Blob | ReadableStream<Uint8Array>;

interface UploadOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly onProgress: ((bytes: number) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

const TYPE = { 'Content-Type': 'application/octet-stream' } as const;

/** The answer of the server, or undefined where there is none. Rejects with the reason of `signal` once it aborts. */
export async function send(body: UploadBody, options: UploadOptions): Promise<Response | undefined> {
  // Browsers stream request bodies over HTTP/2 only and tell no progress of them; their older way does both.
  if (body instanceof Blob && typeof XMLHttpRequest !== 'undefined') return await sendByXhr(body, options);
  const { url, headers, onProgress, signal } = options;
  const stream = body instanceof Blob ? body.stream() : body;
  // With its length known the server can refuse a body before it is sent.
  const length = body instanceof Blob ? { 'Content-Length': String(body.size) } : {};
  try {
    return await options.fetch(url, {
      method: 'POST',
      headers: { ...headers, ...TYPE, ...length },
      body: onProgress ? stream.pipeThrough(counter(onProgress)) : stream,
      duplex: 'half',
      ...(signal ? { signal } : {}),
    } as RequestInit); // `duplex` is required for streams, and not yet in TypeScript's DOM types
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
  { url, headers, onProgress, signal }: UploadOptions,
): Promise<Response | undefined> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    for (const [name, value] of Object.entries({ ...headers, ...TYPE }))
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
    signal?.addEventListener('abort', () => request.abort(), { once: true });
    request.send(body);
  });
}
