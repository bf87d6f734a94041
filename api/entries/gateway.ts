/**
 * A gateway to another Frameloom API, for edges that can reach neither Temporal's gRPC nor its HTTP API, as
 * with Temporal Cloud. It authenticates callers, applies limits and forwards requests. It has no store and no
 * orchestrator.
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { ApiKey } from '../../config/api-keys.ts';
import { FrameloomError } from '../../core/errors.ts';
import {
  type Api,
  type ApiDeps,
  type ApiEnv,
  authenticate,
  errorHandler,
  type Log,
  logRequests,
  problemResponse,
  rateLimit,
  readText,
  responseHeaders,
  systemClock,
  TENANT_HEADER,
  type Throttle,
  validateRequest,
} from '../app/index.ts';

export interface GatewayDeps {
  /** URL of the API behind the gateway, without a path. */
  readonly url: string;
  /** The gateway token for that API. */
  readonly token: string;
  readonly keys: readonly ApiKey[];
  readonly log: Log;
  readonly throttle?: Throttle;
  readonly clientAddress?: ApiDeps['clientAddress'];
  /** Replaces `fetch`, for example with a binding to a private network. */
  readonly fetch?: typeof fetch;
}

/** Request headers that the API reads. All others are removed. */
const FORWARDED_HEADERS = [
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

/** Headers of a single connection, and headers that the gateway sets itself. */
const SKIPPED_RESPONSE_HEADERS = new Set(['connection', 'keep-alive', 'transfer-encoding', 'x-request-id']);

/** Paths that need no key. */
const PUBLIC_PATHS = ['/openapi.json', '/docs', '/docs/style.css', '/readyz'] as const;

/** Creates the app of a gateway. It sends no request yet. */
export function createGateway(deps: GatewayDeps): Api {
  const app = new OpenAPIHono<ApiEnv>();
  const request = deps.fetch ?? ((input: string | URL, init: RequestInit) => fetch(input, init));
  const base = deps.url.replace(/\/+$/, '');

  async function forward(c: Context<ApiEnv>, identity: Readonly<Record<string, string>>): Promise<Response> {
    const { pathname, search } = new URL(c.req.url);
    const headers = new Headers({ ...identity, 'X-Request-Id': c.get('requestId') });
    for (const name of FORWARDED_HEADERS) {
      const value = c.req.header(name);
      if (value !== undefined) headers.set(name, value);
    }
    const { method, signal } = c.req.raw;
    const body = await limitedBody(c);
    if (typeof body === 'string') headers.delete('content-length');
    let response: Response;
    try {
      response = await request(`${base}${pathname}${search}`, {
        ...{ method, headers, signal, redirect: 'manual' },
        ...(body === null ? {} : { body, duplex: 'half' }),
      } as RequestInit); // `duplex` is required for streams, but missing in TypeScript's DOM types
    } catch (error) {
      throw new FrameloomError('unavailable', 'The API behind this gateway does not respond.', {
        cause: error,
      });
    }
    if (response.status === 401) {
      await response.body?.cancel();
      throw new FrameloomError('unavailable', 'The API behind this gateway rejects its token.');
    }
    const returned = [...response.headers].filter(([name]) => !SKIPPED_RESPONSE_HEADERS.has(name));
    return new Response(response.body, { status: response.status, headers: returned });
  }

  app.onError(errorHandler(deps.log));
  app.notFound((c) => problemResponse(c, 'not_found', 'No such path.'));
  app.use(logRequests({ log: deps.log, clock: systemClock }), responseHeaders(), validateRequest());
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  for (const path of PUBLIC_PATHS) app.get(path, (c) => forward(c, {}));
  app.use('/v1/*', authenticate(deps));
  if (deps.throttle) app.use('/v1/*', rateLimit(deps.throttle));
  app.all('/v1/*', (c) =>
    forward(c, { Authorization: `Bearer ${deps.token}`, [TENANT_HEADER]: c.get('tenant') }),
  );
  return app;
}

/** All request bodies are JSON, except files. */
async function limitedBody(c: Context<ApiEnv>): Promise<ReadableStream<Uint8Array> | string | null> {
  if (c.req.path === '/v1/files') return c.req.raw.body;
  return c.req.header('Content-Type') === undefined ? null : await readText(c.req.raw);
}
