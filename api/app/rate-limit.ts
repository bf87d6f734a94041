/** Rate limiting by a limiter of the platform. */
import type { MiddlewareHandler } from 'hono';
import type { Throttle } from './deps.ts';
import type { ApiEnv } from './env.ts';
import { problemResponse } from './problems.ts';

const RETRY_AFTER_S = 10;

/**
 * Middleware that responds with `rate_limited`. Runs after authentication, because requests are counted per
 * tenant.
 */
export function rateLimit(allows: Throttle): MiddlewareHandler<ApiEnv> {
  return async function withinLimit(c, next) {
    // If the limiter fails, requests are allowed.
    const isAllowed = await allows(c.get('tenant')).catch(() => true);
    if (isAllowed) return await next();
    const rejection = problemResponse(c, 'rate_limited', 'This API key has sent too many requests.');
    rejection.headers.set('Retry-After', String(RETRY_AFTER_S));
    return rejection;
  };
}
