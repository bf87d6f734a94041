/** What answers where no route does: the files of the console, else the fitting problem. */
import type { NotFoundHandler } from 'hono';
import type { ConsoleAssets } from './deps.ts';
import type { Api, ApiEnv } from './env.ts';
import { PAGE_POLICY } from './limits.ts';
import { problemResponse } from './problems.ts';

/** A file of `assets`, 405 with `Allow` where only the method is wrong, or 404. */
export function fallback(app: Api, assets: ConsoleAssets | undefined): NotFoundHandler<ApiEnv> {
  return function onNotFound(c) {
    const file = c.req.method === 'GET' ? assets?.get(c.req.path) : undefined;
    if (file) {
      return c.body(typeof file.body === 'string' ? file.body : new Uint8Array(file.body), 200, {
        'Content-Type': file.type,
        'Content-Security-Policy': PAGE_POLICY,
        'Cache-Control': 'no-cache',
      });
    }
    const allowed = new Set(
      app.routes
        .filter((route) => route.method !== 'ALL' && matches(route.path, c.req.path))
        .flatMap((route) => (route.method === 'GET' ? ['GET', 'HEAD'] : [route.method])),
    );
    if (allowed.size === 0) return problemResponse(c, 'not_found', 'There is nothing at this address.');
    const response = problemResponse(c, 'method_not_allowed', 'The method is not allowed here.');
    response.headers.set('Allow', [...allowed].join(', '));
    return response;
  };
}

/** Whether `path` has the shape of `pattern`, whose segments may be `:names`. */
function matches(pattern: string, path: string): boolean {
  const wanted = pattern.split('/');
  const given = path.split('/');
  return (
    wanted.length === given.length &&
    wanted.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}
