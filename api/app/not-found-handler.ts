/** The handler for requests without a route: files of the console, or a problem. */
import type { NotFoundHandler } from 'hono';
import type { ConsoleAssets, ConsoleFile } from './deps.ts';
import type { Api, ApiEnv } from './env.ts';
import { PAGE_POLICY } from './limits.ts';
import { problemResponse } from './problems.ts';

/** Returns a file of `assets`, 405 with `Allow` if the path has other methods, or 404. */
export function notFoundHandler(app: Api, assets: ConsoleAssets | undefined): NotFoundHandler<ApiEnv> {
  return function onNotFound(c) {
    const isRead = c.req.method === 'GET' || c.req.method === 'HEAD';
    const file = isRead ? assets?.get(c.req.path) : undefined;
    if (file) return consoleResponse(c.req.raw, file);
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

/** A file of the console, compressed if the client accepts that, or 304 if the client has it. */
function consoleResponse({ method, headers: given }: Request, file: ConsoleFile): Response {
  const accepted = given.get('Accept-Encoding') ?? '';
  const encoded = file.encoded?.find((candidate) => accepts(accepted, candidate.coding));
  const { body, coding } = encoded ?? { body: file.body, coding: undefined };
  const etag = `"${file.version}${coding === undefined ? '' : `-${coding}`}"`;
  const headers = new Headers({
    'Content-Type': file.type,
    'Content-Security-Policy': PAGE_POLICY,
    'Cache-Control': 'no-cache',
    Vary: 'Accept-Encoding',
  });
  if (file.version !== undefined) headers.set('ETag', etag);
  if (given.get('If-None-Match')?.includes(etag)) return new Response(null, { status: 304, headers });
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : new Uint8Array(body);
  if (coding !== undefined) headers.set('Content-Encoding', coding);
  headers.set('Content-Length', String(bytes.byteLength));
  return new Response(method === 'HEAD' ? null : bytes, { headers });
}

/** Whether an `Accept-Encoding` header names the coding and does not exclude it. */
function accepts(header: string, coding: string): boolean {
  return header.split(',').some((entry) => {
    const [name = '', ...parameters] = entry.split(';').map((part) => part.trim().toLowerCase());
    return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}
