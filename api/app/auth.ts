/**
 * Authentication. An API key belongs to a tenant; without keys, only requests from this machine are accepted.
 */
import type { MiddlewareHandler } from 'hono';
import { type ApiKey, requireLocalOrigin, tenantOf } from '../../config/api-keys.ts';
import type { ApiEnv } from './env.ts';
import { forwardedTenant, TENANT_HEADER } from './gateway-auth.ts';

/** Middleware that sets `tenant`. @throws FrameloomError `unauthorized` */
export function authenticate(
  keys: readonly ApiKey[],
  gatewayTokens: readonly string[] = [],
): MiddlewareHandler<ApiEnv> {
  return async function authenticated(c, next) {
    const authorization = c.req.header('Authorization');
    const forwarded = await forwardedTenant(gatewayTokens, authorization, c.req.header(TENANT_HEADER));
    if (forwarded !== undefined) {
      c.set('tenant', forwarded);
    } else if (keys.length + gatewayTokens.length === 0) {
      requireLocalOrigin(c.req.url, c.req.header('Sec-Fetch-Site'));
      c.set('tenant', 'default');
    } else {
      c.set('tenant', await tenantOf(keys, authorization));
    }
    await next();
  };
}
