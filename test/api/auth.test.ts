import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseApiKeys } from '../../config/api-keys.ts';
import type { Job } from '../../schema/job.ts';
import { withApp } from './harness.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const bearer = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` });

describe('with API keys', () => {
  const keys = parseApiKeys(`ada:${sha256('key-a')}, ada:${sha256('key-a2')},bob:${sha256('key-b')}`);

  it.each([
    ['no key', {}],
    ['a wrong key', bearer('key-c')],
    ['the hash of a key', bearer(sha256('key-a'))],
    ['an empty key', { Authorization: 'Bearer ' }],
    ['another scheme', { Authorization: 'Basic key-a' }],
    ['a key with a tail', bearer('key-a x')],
  ] as [string, Record<string, string>][])('%s is unauthorized', (_, headers) =>
    withApp(
      async ({ app }) => {
        const response = await app.request('/v1/summaries', { headers });
        expect(response.status).toBe(401);
        expect(response.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
      },
      { keys },
    ),
  );

  it('probes, contract and pages need none', () =>
    withApp(
      async ({ app, clock }) => {
        clock.onSleep = () => new Promise(() => undefined);
        for (const path of ['/healthz', '/readyz', '/openapi.json', '/docs']) {
          expect([path, (await app.request(path)).status]).toEqual([path, 200]);
        }
      },
      { keys },
    ));

  it('a tenant sees its own jobs under each of its keys, and nobody else does', () =>
    withApp(
      async ({ app, post }) => {
        const body = { source: { type: 'images', urls: ['https://example.com/a.png'] } };
        const { id } = (await (await post('/v1/summaries', body, bearer('key-a'))).json()) as Job;
        expect((await app.request(`/v1/summaries/${id}`, { headers: bearer('key-a2') })).status).toBe(200);
        for (const [path, method] of [
          ['', 'GET'],
          ['', 'DELETE'],
          ['/cancel', 'POST'],
          ['/events', 'GET'],
          ['/frames', 'GET'],
          ['/frames/0.jpg', 'GET'],
        ] as const) {
          const response = await app.request(`/v1/summaries/${id}${path}`, {
            method,
            headers: bearer('key-b'),
          });
          expect([path, response.status]).toEqual([path, 404]);
        }
        const list = await app.request('/v1/summaries', { headers: bearer('key-b') });
        expect(await list.json()).toMatchObject({ data: [] });
        const same = (await (await post('/v1/summaries', body, bearer('key-b'))).json()) as Job;
        expect(same.id).not.toBe(id);
      },
      { keys },
    ));

  it("a tenant can neither read, delete nor use another's file", () =>
    withApp(
      async ({ app, post }) => {
        const upload = await app.request('/v1/files', {
          method: 'POST',
          body: 'x',
          headers: bearer('key-a'),
        });
        const { id } = (await upload.json()) as { id: string };
        expect((await app.request(`/v1/files/${id}`, { headers: bearer('key-b') })).status).toBe(404);
        expect(
          (await app.request(`/v1/files/${id}`, { method: 'DELETE', headers: bearer('key-b') })).status,
        ).toBe(404);
        const use = await post('/v1/summaries', { source: { type: 'video', file_id: id } }, bearer('key-b'));
        expect(use.status).toBe(422);
        expect((await app.request(`/v1/files/${id}`, { headers: bearer('key-a') })).status).toBe(200);
      },
      { keys },
    ));
});

describe('without API keys', () => {
  it.each([
    ['http://localhost:8484', 200],
    ['http://127.0.0.1:8484', 200],
    ['http://[::1]:8484', 200],
    ['http://rebound.example:8484', 401],
    ['http://127.0.0.1.example', 401],
  ])('a request to %s gets %i', (origin, status) =>
    withApp(async ({ app }) => {
      expect((await app.request(`${origin}/v1/summaries`)).status).toBe(status);
    }),
  );

  it('rejects a request from a page of another site', () =>
    withApp(async ({ app }) => {
      const upload = (site: string) =>
        app.request('/v1/files', { method: 'POST', body: 'x', headers: { 'Sec-Fetch-Site': site } });
      expect((await upload('cross-site')).status).toBe(401);
      expect((await upload('same-origin')).status).toBe(201);
    }));
});

describe('the setting of the keys', () => {
  it.each([
    'ada',
    'ada:',
    `ada:${sha256('x').slice(1)}`,
    `a da:${sha256('x')}`,
    `ada:${sha256('x').toUpperCase()}`,
  ])('rejects %s without repeating it', (setting) => {
    expect(() => parseApiKeys(setting)).toThrow(
      'FRAMELOOM_API_KEYS: entry 1 must be tenant:sha256-of-key-in-hex.',
    );
  });

  it('is no keys when empty', () => {
    expect(parseApiKeys(undefined)).toEqual([]);
    expect(parseApiKeys(' ')).toEqual([]);
  });
});
