import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseApiKeys } from '../../config/api-keys.ts';
import { withApp } from './harness.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const REQUEST = { source: { type: 'images', urls: ['https://example.com/a.png'] } };

describe('the log of requests', () => {
  const keys = parseApiKeys(`ada:${sha256('key-a')}`);
  const headers = { Authorization: 'Bearer key-a' };

  it('has a line for each with its tenant, route, status, id, duration and bytes', () =>
    withApp(
      async ({ app, post, requests }) => {
        const created = await post('/v1/summaries', REQUEST, headers);
        const text = await created.text();
        const { id } = JSON.parse(text) as { id: string };
        await (await app.request(`/v1/summaries/${id}?secret=hunter2`, { headers })).text();
        await (await app.request(`/v1/summaries/${id}`, { method: 'HEAD', headers })).text();
        await (await app.request('/v1/summaries/hunter2', { headers })).text();
        expect(
          requests.map(({ level, fields }) => [level, fields.method, fields.route, fields.status]),
        ).toEqual([
          ['info', 'POST', '/v1/summaries', 202],
          ['info', 'GET', '/v1/summaries/:id', 200],
          ['info', 'HEAD', '/v1/summaries/:id', 200],
          ['info', 'GET', '/v1/summaries/:id', 404],
        ]);
        expect(requests.map(({ fields }) => fields.tenant)).toEqual(['ada', 'ada', 'ada', 'ada']);
        expect(requests.map(({ fields }) => fields.id)).toEqual([id, id, id, undefined]);
        expect(requests[0]?.fields).toMatchObject({
          request_id: created.headers.get('X-Request-Id'),
          bytes: text.length,
          duration_ms: expect.any(Number),
        });
        expect(requests[2]?.fields.bytes).toBe(0);
      },
      { keys },
    ));

  it('shows no key, no query and no path that a client made up', () =>
    withApp(
      async ({ app, requests }) => {
        for (const path of ['/v1/files?name=hunter2', '/hunter2', '/v1/hunter2/hunter2'])
          await (await app.request(path, { headers: { Authorization: 'Bearer hunter2' } })).text();
        expect(requests.map(({ fields }) => fields.status)).toEqual([401, 404, 401]);
        expect(JSON.stringify(requests)).not.toContain('hunter2');
      },
      { keys },
    ));

  it('has probes at debug only', () =>
    withApp(async ({ app, requests }) => {
      for (const path of ['/healthz', '/metrics']) await (await app.request(path)).text();
      expect(requests.map(({ level }) => level)).toEqual(['debug', 'debug']);
    }));

  it('has the line of an event stream when its reader leaves', () =>
    withApp(async ({ app, startJob, requests }) => {
      const { id } = await startJob();
      const stream = await app.request(`/v1/summaries/${id}/events`);
      const before = requests.length;
      const reader = stream.body?.getReader();
      const first = await reader?.read();
      expect(requests.length).toBe(before);
      await reader?.cancel();
      expect(requests.at(-1)?.fields).toMatchObject({ route: '/v1/summaries/:id/events', status: 200, id });
      expect(requests.at(-1)?.fields.bytes).toBe(first?.value?.byteLength);
    }));
});

describe('requests with wrong keys', () => {
  const keys = parseApiKeys(`ada:${sha256('key-a')}`);
  const send = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

  it('of one address are told to wait after ten in a minute, while a right key is accepted', () => {
    let address = '192.0.2.1';
    return withApp(
      async ({ app, clock }) => {
        for (let n = 0; n < 10; n += 1)
          expect((await app.request('/v1/models', send(`wrong-${n}`))).status).toBe(401);
        const eleventh = await app.request('/v1/models', send('wrong-10'));
        expect(eleventh.status).toBe(429);
        expect(eleventh.headers.get('Retry-After')).toBe('60');
        expect((await app.request('/v1/models', send('key-a'))).status).toBe(200);
        address = '192.0.2.2';
        expect((await app.request('/v1/models', send('wrong'))).status).toBe(401);
        address = '192.0.2.1';
        await clock.sleep(60_000);
        expect((await app.request('/v1/models', send('wrong'))).status).toBe(401);
      },
      { keys, clientAddress: () => address },
    );
  });

  it('count for the whole network of an IPv6 client', () => {
    let client = 0;
    return withApp(
      async ({ app }) => {
        const statuses: number[] = [];
        for (; client < 11; client += 1)
          statuses.push((await app.request('/v1/models', send('wrong'))).status);
        expect(statuses.slice(9)).toEqual([401, 429]);
      },
      { keys, clientAddress: () => `2001:db8:1:2:3:4:5:${client}` },
    );
  });
});
