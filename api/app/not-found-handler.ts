/** The handler for requests without a route: files of the console, or a problem. */
import type { NotFoundHandler } from 'hono';
import type { ConsoleAssets } from './deps.ts';
import type { Api, ApiEnv } from './env.ts';
import { PAGE_POLICY } from './limits.ts';
import { problemResponse } from './problems.ts';

/** Returns a file of `assets`, 405 with `Allow` if the path has other methods, or 404. */
export function notFoundHandler(app: Api, assets: ConsoleAssets | undefined): NotFoundHandler<ApiEnv> {
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
    if (allowed.size === 0) return problemResponse(c, 'not_found', 'No such path.');
    const response = problemResponse(c, 'method_not_allowed', 'This path does not support the method.');
    response.headers.set('Allow', [...allowed].join(', '));
    return response;
  };
}

/** Whether `path` matches `pattern`, whose segments may be parameters such as `:id`. */
function matches(pattern: string, path: string): boolean {
  const expected = pattern.split('/');
  const given = path.split('/');
  return (
    expected.length === given.length &&
    expected.every((part, index) => (part.startsWith(':') ? given[index] !== '' : part === given[index]))
  );
}
