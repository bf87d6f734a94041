/** Who asks. A key names a tenant; without keys the API serves the person at this machine and nobody else. */
import type { MiddlewareHandler } from 'hono';
import { type ApiKey, requireOwnMachine, tenantOf } from '../schema/api-keys.ts';
import type { ApiEnv } from './deps.ts';

/** Sets `tenant` or refuses with `unauthorized`. */
export function authenticate(keys: readonly ApiKey[]): MiddlewareHandler<ApiEnv> {
  return async function authenticated(c, next) {
    if (keys.length === 0) {
      requireOwnMachine(c.req.url, c.req.header('Sec-Fetch-Site'));
      c.set('tenant', 'default');
    } else {
      c.set('tenant', await tenantOf(keys, c.req.header('Authorization')));
    }
    await next();
  };
}
