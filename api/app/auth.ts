/**
 * Authentication. An API key belongs to a tenant; without keys, only requests from this machine are accepted.
 */
import type { MiddlewareHandler } from 'hono';
import { type ApiKey, createKeyCheck, TooManyWrongKeys } from '../../config/api-keys.ts';
import { requireLocalRequest } from '../../config/local-requests.ts';
import type { ApiDeps } from './deps.ts';
import type { ApiEnv } from './env.ts';
import { forwardedTenant, TENANT_HEADER } from './gateway-auth.ts';

export interface AuthDeps {
  readonly keys: readonly ApiKey[];
  readonly gatewayTokens?: readonly string[];
  readonly clientAddress?: ApiDeps['clientAddress'];
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Middleware that sets `tenant`. @throws FrameloomError `unauthorized`, `rate_limited` after many wrong keys */
export function authenticate(deps: AuthDeps): MiddlewareHandler<ApiEnv> {
  const { keys, gatewayTokens = [], clientAddress = () => undefined } = deps;
  const check = createKeyCheck(keys, deps.now);
  return async function authenticated(c, next) {
    const authorization = c.req.header('Authorization');
    const forwarded = await forwardedTenant(gatewayTokens, authorization, c.req.header(TENANT_HEADER));
    if (forwarded !== undefined) {
      c.set('tenant', forwarded);
    } else if (keys.length + gatewayTokens.length === 0) {
      requireLocalRequest(c.req.raw);
      c.set('tenant', 'default');
    } else {
      const tenant = await check.tenantOf(authorization, clientAddress(c)).catch((error: unknown) => {
        if (error instanceof TooManyWrongKeys) c.set('retryAfter', error.retryAfter);
        throw error;
      });
      c.set('tenant', tenant);
    }
    await next();
  };
}
