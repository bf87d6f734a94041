import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Api, parseGatewayTokens } from '../../api/app/index.ts';
import { createGateway, type GatewayDeps } from '../../api/entries/gateway.ts';
import { parseApiKeys } from '../../config/api-keys.ts';
import type { Job } from '../../schema/job.ts';
import { type Harness, sampleEvents, withApp } from './harness.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const TOKEN = 'token-of-the-edge-with-many-letters';
const gatewayTokens = parseGatewayTokens(sha256(TOKEN));
const as = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` });
const JSON_TYPE = { 'Content-Type': 'application/json' };
const REQUEST = JSON.stringify({ source: { type: 'images', urls: ['https://example.com/a.png'] } });

/** An API, and an edge before it whose keys the API does not know. */
async function withGateway(
  use: (gateway: Api, behind: Harness, seen: Request[]) => Promise<void>,
  change: Partial<GatewayDeps> = {},
): Promise<void> {
  await withApp(
    async (behind) => {
      const seen: Request[] = [];
      const gateway = createGateway({
        url: 'https://api.internal/',
        token: TOKEN,
        keys: parseApiKeys(`ada:${sha256('key-a')},bob:${sha256('key-b')}`),
        log: () => undefined,
        fetch: async (input, init) => {
          const request = new Request(input, init);
          seen.push(request);
          return await behind.app.request(request);
        },
        ...change,
      });
      await use(gateway, behind, seen);
    },
    { gatewayTokens },
  );
}

describe('a gateway', () => {
  it('forwards requests with the name of the tenant and the token of the edge', () =>
    withGateway(async (gateway, { orchestrator }, seen) => {
      const response = await gateway.request('/v1/summaries?wait=0', {
        method: 'POST',
        body: REQUEST,
        headers: {
          ...as('key-a'),
          ...JSON_TYPE,
          ...{ 'X-Request-Id': 'mine', 'Idempotency-Key': 'k', Cookie: 'a=b', 'X-Forwarded-For': '10.0.0.1' },
        },
      });
      expect(response.status).toBe(202);
      expect(response.headers.get('X-Request-Id')).toBe('mine');
      const job = (await response.json()) as Job;
      expect(response.headers.get('Location')).toBe(`/v1/summaries/${job.id}`);
      expect((await orchestrator.describe(job.id as never))?.memo.tenant).toBe('ada');
      const [forwarded] = seen;
      expect(forwarded?.url).toBe('https://api.internal/v1/summaries?wait=0');
      expect(Object.fromEntries(forwarded?.headers ?? [])).toMatchObject({
        ...{ authorization: `Bearer ${TOKEN}`, 'frameloom-tenant': 'ada', 'x-request-id': 'mine' },
        ...{ 'idempotency-key': 'k', 'content-type': 'application/json' },
      });
      expect(forwarded?.headers.has('Cookie')).toBe(false);
      expect(forwarded?.headers.has('X-Forwarded-For')).toBe(false);
      // Another tenant does not find it, whoever it claims to be.
      const claims = { ...as('key-b'), 'Frameloom-Tenant': 'ada' };
      expect((await gateway.request(`/v1/summaries/${job.id}`, { headers: claims })).status).toBe(404);
    }));

  it('sends nothing upstream for requests that it rejects', () =>
    withGateway(async (gateway, _, seen) => {
      for (const headers of [{}, as('key-c'), as(TOKEN), { ...as(TOKEN), 'Frameloom-Tenant': 'ada' }]) {
        expect((await gateway.request('/v1/summaries', { headers })).status).toBe(401);
      }
      expect((await gateway.request('/metrics')).status).toBe(404);
      expect((await gateway.request('/healthz')).status).toBe(200);
      expect(seen).toEqual([]);
    }));

  it('forwards the contract and the readiness without a key', () =>
    withGateway(async (gateway, { clock }, seen) => {
      clock.onSleep = () => new Promise(() => undefined);
      for (const path of ['/openapi.json', '/docs', '/readyz']) {
        expect((await gateway.request(path)).status).toBe(200);
      }
      expect(seen.every(({ headers }) => !headers.has('Authorization'))).toBe(true);
    }));

  it('rejects a large JSON body itself, and streams a file through', () =>
    withGateway(async (gateway, _, seen) => {
      const large = await gateway.request('/v1/summaries', {
        method: 'POST',
        body: 'x',
        headers: { ...as('key-a'), ...JSON_TYPE, 'Content-Length': '10000000' },
      });
      expect(large.status).toBe(413);
      expect(seen).toEqual([]);
      const file = await gateway.request('/v1/files?filename=a.bin', {
        method: 'POST',
        body: new Uint8Array(900_000).fill(7),
        headers: as('key-a'),
      });
      expect(file.status).toBe(201);
      expect(await file.json()).toMatchObject({
        filename: 'a.bin',
        sha256: createHash('sha256').update(Buffer.alloc(900_000, 7)).digest('hex'),
      });
    }));

  it('streams events through, from where the client was', () =>
    withGateway(async (gateway, behind) => {
      const created = await gateway.request('/v1/summaries', {
        method: 'POST',
        body: REQUEST,
        headers: { ...as('key-a'), ...JSON_TYPE },
      });
      const { id } = (await created.json()) as Job;
      await behind.writeEvents(id as never, sampleEvents(4));
      const response = await gateway.request(`/v1/summaries/${id}/events`, {
        headers: { ...as('key-a'), 'Last-Event-ID': '2' },
      });
      expect(response.headers.get('Content-Type')).toMatch('text/event-stream');
      expect([...(await response.text()).matchAll(/^id: (\d+)$/gm)].map(([, number]) => number)).toEqual([
        '3',
        '4',
      ]);
    }));

  it.each([
    ['does not answer', () => Promise.reject(new TypeError('no route to host'))],
    ['does not let it in', () => Promise.resolve(new Response('{}', { status: 401 }))],
  ] as [string, typeof fetch][])('is unavailable where the API behind it %s', (_, answer) =>
    withGateway(
      async (gateway) => {
        const response = await gateway.request('/v1/summaries', { headers: as('key-a') });
        expect(response.status).toBe(503);
        const text = await response.text();
        expect(JSON.parse(text)).toMatchObject({ code: 'unavailable' });
        expect(text).not.toMatch(/internal|route to host/);
      },
      { fetch: answer },
    ),
  );

  it('holds tenants to the limit of the platform', () =>
    withGateway(
      async (gateway, _, seen) => {
        expect((await gateway.request('/v1/summaries', { headers: as('key-a') })).status).toBe(429);
        expect((await gateway.request('/v1/summaries', { headers: as('key-b') })).status).toBe(200);
        expect(seen.length).toBe(1);
      },
      { throttle: async (tenant) => tenant === 'bob' },
    ));
});

describe('an API behind a gateway', () => {
  const withTokens = (use: (harness: Harness) => Promise<void>): Promise<void> =>
    withApp(use, { gatewayTokens, keys: parseApiKeys(`ada:${sha256('key-a')}`) });

  it('accepts the name of a tenant only with a token of a gateway', () =>
    withTokens(async ({ app, post }) => {
      const mine = (await (await post('/v1/summaries', REQUEST, as('key-a'))).json()) as Job;
      const look = async (headers: Record<string, string>): Promise<number> =>
        (await app.request(`/v1/summaries/${mine.id}`, { headers })).status;
      expect(await look({ ...as(TOKEN), 'Frameloom-Tenant': 'ada' })).toBe(200);
      expect(await look({ ...as(TOKEN), 'Frameloom-Tenant': 'bob' })).toBe(404);
      expect(await look({ ...as('key-a'), 'Frameloom-Tenant': 'bob' })).toBe(200);
      expect(await look({ 'Frameloom-Tenant': 'ada' })).toBe(401);
      expect(await look({ ...as(sha256(TOKEN)), 'Frameloom-Tenant': 'ada' })).toBe(401);
    }));

  it.each([[undefined], [''], ['a b'], ['-a'], ['x'.repeat(65)]])(
    'refuses a gateway that names the tenant %j',
    (name) =>
      withTokens(async ({ app }) => {
        const headers = { ...as(TOKEN), ...(name === undefined ? {} : { 'Frameloom-Tenant': name }) };
        expect((await app.request('/v1/summaries', { headers })).status).toBe(401);
      }),
  );

  it('serves gateways only where it has no keys, even on its own machine', () =>
    withApp(
      async ({ app }) => {
        expect((await app.request('http://localhost/v1/summaries')).status).toBe(401);
      },
      { gatewayTokens },
    ));

  it.each(['in-clear', `${sha256('a')},b`, sha256('a').toUpperCase()])(
    'does not start with a token that is no hash, and does not tell it',
    (setting) => {
      expect(() => parseGatewayTokens(setting)).toThrow('FRAMELOOM_GATEWAY_TOKENS');
      expect(() => parseGatewayTokens(setting)).not.toThrow(setting);
    },
  );
});
