/** One log line per request, without anything that a client sent but ids: no paths, query strings or keys. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { ApiDeps } from './deps.ts';
import type { ApiEnv } from './env.ts';

/** Requests that are frequent and start no work, logged at `debug`. */
const PROBES = new Set(['/healthz', '/readyz', '/metrics']);
const RESOURCE_ID = /(?:^|\/)((?:sum|file|upload|batch|est|sched)_[a-z2-7]{26})(?=\/|$)/;

/** Middleware that logs each request once its response has been sent, or its client has disconnected. */
export function logRequests({ log, clock }: Pick<ApiDeps, 'log' | 'clock'>): MiddlewareHandler<ApiEnv> {
  return async function logged(c, next) {
    const start = clock.now();
    await next();
    const { status, headers, body } = c.res;
    const route = routePath(c, -1);
    const id = RESOURCE_ID.exec(c.req.path)?.[1] ?? RESOURCE_ID.exec(headers.get('Location') ?? '')?.[1];
    const fields = {
      ...{ method: c.req.method, route, status, request_id: c.get('requestId') },
      ...{ tenant: c.get('tenant'), id },
    };
    const end = (bytes: number): void => {
      const duration_ms = Math.round(clock.now() - start);
      log(PROBES.has(c.req.path) ? 'debug' : 'info', 'request', { ...fields, duration_ms, bytes });
    };
    const length = headers.get('Content-Length');
    // The body of a response to HEAD is not read.
    if (body === null || c.req.method === 'HEAD') end(0);
    else if (length !== null) end(Number(length));
    else c.res = new Response(counted(body, end), c.res);
  };
}

/** The same stream. Calls `onEnd` once, with the number of bytes that were read. */
function counted(
  body: ReadableStream<Uint8Array>,
  onEnd: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let bytes = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            bytes += value.byteLength;
            controller.enqueue(value);
            return;
          }
          onEnd(bytes);
          controller.close();
        } catch (error) {
          onEnd(bytes);
          controller.error(error);
        }
      },
      async cancel(reason) {
        onEnd(bytes);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
