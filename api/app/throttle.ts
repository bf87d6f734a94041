/** A limit on requests that the platform counts. */
import type { MiddlewareHandler } from 'hono';
import type { Throttle } from './deps.ts';
import type { ApiEnv } from './env.ts';
import { problemResponse } from './problems.ts';

/** Seconds after which somebody who was refused should ask again. */
const RETRY_AFTER = 10;

/** Refuses with `rate_limited`. Runs behind the authentication: what is counted is a tenant, not an address. */
export function throttled(allows: Throttle): MiddlewareHandler<ApiEnv> {
  return async function withinLimit(c, next) {
    // A limiter that fails must not take the API with it.
    const isAllowed = await allows(c.get('tenant')).catch(() => true);
    if (isAllowed) return await next();
    const refusal = problemResponse(c, 'rate_limited', 'This API key has sent too many requests.');
    refusal.headers.set('Retry-After', String(RETRY_AFTER));
    return refusal;
  };
}
