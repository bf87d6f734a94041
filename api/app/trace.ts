/** Tracing: a span per request, as part of the trace in the caller's `traceparent` header. */
import type { MiddlewareHandler } from 'hono';
import { routePath } from 'hono/route';
import type { Tracer } from '../../core/tracing.ts';
import type { ApiEnv } from './env.ts';

/** Probes are frequent and start no work. */
const UNTRACED = new Set(['/healthz', '/readyz', '/metrics']);

export function traceRequests(tracer: Tracer): MiddlewareHandler<ApiEnv> {
  return async function traced(c, next) {
    if (UNTRACED.has(c.req.path)) {
      await next();
      return;
    }
    const attributes = { 'http.request.method': c.req.method };
    const parent = c.req.header('traceparent');
    await tracer.span(`HTTP ${c.req.method}`, { kind: 'server', parent, attributes }, async (span) => {
      await next();
      span.set({ 'http.route': routePath(c, -1), 'http.response.status_code': c.res.status });
      if (c.res.status >= 500) span.fail();
    });
  };
}
