/**
 * An edge before another Frameloom API, for where neither gRPC nor Temporal's HTTP API can be reached from the edge, as with Temporal
 * Cloud. It lets callers in, holds them to limits, and forwards what is left; it knows no store and no orchestrator.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiKey } from '../../config/api-keys.ts';
import { FrameloomError } from '../../core/errors.ts';
import {
  type Api,
  type ApiEnv,
  answerHeaders,
  authenticate,
  errorHandler,
  guard,
  jsonLimit,
  type Log,
  problemResponse,
  TENANT_HEADER,
  type Throttle,
  throttled,
} from '../app/index.ts';

export interface GatewayDeps {
  /** Address of the API behind, without a path. */
  readonly url: string;
  /** What lets this edge in there. */
  readonly token: string;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  readonly throttle?: Throttle;
  /** A binding to a private network, for example; by default the platform's own. */
  readonly fetch?: typeof fetch;
}

/** What may go through: all that the API reads, and nothing that a proxy or the caller's browser added. */
const FORWARDED = [
  'accept',
  'content-length',
  'content-type',
  'idempotency-key',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'last-event-id',
  'range',
] as const;

/** Headers of one connection, and those that this edge sets itself. */
const NOT_RETURNED = new Set(['connection', 'keep-alive', 'transfer-encoding', 'x-request-id']);

/** What needs no key. */
const PUBLIC = ['/openapi.json', '/docs', '/docs/style.css', '/readyz'] as const;

export function createGateway(deps: GatewayDeps): Api {
  const app = new OpenAPIHono<ApiEnv>();
  const request = deps.fetch ?? ((input: string | URL, init: RequestInit) => fetch(input, init));
  const base = deps.url.replace(/\/+$/, '');

  async function forward(c: Context<ApiEnv>, identity: Readonly<Record<string, string>>): Promise<Response> {
    const { pathname, search } = new URL(c.req.url);
    const headers = new Headers({ ...identity, 'X-Request-Id': c.get('requestId') });
    for (const name of FORWARDED) {
      const value = c.req.header(name);
      if (value !== undefined) headers.set(name, value);
    }
    const { body, method, signal } = c.req.raw;
    let answer: Response;
    try {
      answer = await request(`${base}${pathname}${search}`, {
        ...{ method, headers, signal, redirect: 'manual' },
        ...(body === null ? {} : { body, duplex: 'half' }),
      } as RequestInit); // `duplex` is required for streams, and not yet in TypeScript's DOM types
    } catch (error) {
      throw new FrameloomError('unavailable', 'The API behind this edge does not answer.', { cause: error });
    }
    if (answer.status === 401) {
      await answer.body?.cancel();
      throw new FrameloomError('unavailable', 'The API behind this edge does not let it in.');
    }
    const returned = [...answer.headers].filter(([name]) => !NOT_RETURNED.has(name));
    return new Response(answer.body, { status: answer.status, headers: returned });
  }

  app.onError(errorHandler(deps.log));
  app.notFound((c) => problemResponse(c, 'not_found', 'There is nothing at this address.'));
  app.use(answerHeaders(), guard());
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  for (const path of PUBLIC) app.get(path, (c) => forward(c, {}));
  app.use('/v1/*', authenticate(deps.keys));
  if (deps.throttle) app.use('/v1/*', throttled(deps.throttle));
  // All bodies are JSON but those of files.
  app.use('/v1/*', (c, next) => (c.req.path === '/v1/files' ? next() : jsonLimit(c, next)));
  app.all('/v1/*', (c) =>
    forward(c, { Authorization: `Bearer ${deps.token}`, [TENANT_HEADER]: c.get('tenant') }),
  );
  return app;
}
