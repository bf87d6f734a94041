import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseApiKeys } from '../../config/api-keys.ts';
import { NO_QUOTAS } from '../../config/quotas.ts';
import type { JobId } from '../../schema/ids.ts';
import { NO_USAGE } from '../../schema/usage-cost.ts';
import { type Harness, withApp } from './harness.ts';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const bearer = (key: string): Record<string, string> => ({ Authorization: `Bearer ${key}` });
const keys = parseApiKeys(`ada:${sha256('key-a')},bob:${sha256('key-b')}`);

let number = 0;
function request(): unknown {
  number += 1;
  return { source: { type: 'video', url: `https://example.com/${number}.mp4` } };
}

/** Header fields of the quotas, and the problem's code where there is one. */
async function told(response: Response): Promise<Record<string, unknown>> {
  const body = (await response.json()) as { code?: string };
  return {
    status: response.status,
    code: body.code,
    policy: response.headers.get('RateLimit-Policy'),
    left: response.headers.get('RateLimit'),
    after: response.headers.get('Retry-After'),
  };
}

describe('requests in a minute', () => {
  it('are counted down in headers, rejected with 429, and reset each minute, per tenant', () =>
    withApp(
      async ({ app, clock }) => {
        const ask = async (key: string) => told(await app.request('/v1/summaries', { headers: bearer(key) }));
        const policy = '"requests";q=3;w=60';
        await clock.sleep(15_000);
        expect(await ask('key-a')).toMatchObject({ status: 200, policy, left: '"requests";r=2;t=45' });
        await ask('key-a');
        expect(await ask('key-a')).toMatchObject({
          status: 200,
          left: '"requests";r=0;t=45',
          after: null,
        });
        const refused = {
          status: 429,
          code: 'rate_limited',
          policy,
          left: '"requests";r=0;t=45',
          after: '45',
        };
        expect(await ask('key-a')).toEqual(refused);
        expect(await ask('key-b')).toMatchObject({ status: 200 });
        await clock.sleep(45_000);
        expect(await ask('key-a')).toMatchObject({ status: 200, left: '"requests";r=2;t=60' });
      },
      { keys, quotas: { ...NO_QUOTAS, requests: 3 } },
    ));

  it('are unlimited without a quota, and probes are never counted', () =>
    withApp(async ({ app }) => {
      const response = await app.request('/v1/summaries');
      expect(response.headers.has('RateLimit')).toBe(false);
      expect((await app.request('/healthz')).headers.has('RateLimit')).toBe(false);
    }));
});

describe('unfinished jobs', () => {
  const quotas = { ...NO_QUOTAS, jobs: 2 };

  it('are rejected beyond the quota until one has ended; a repeated request still succeeds', () =>
    withApp(
      async ({ post, orchestrator }) => {
        const first = request();
        const { id } = (await (await post('/v1/summaries', first)).json()) as { id: JobId };
        expect(await told(await post('/v1/summaries', request()))).toMatchObject({
          status: 202,
          policy: '"jobs";q=2',
          left: '"jobs";r=0;t=10',
        });
        expect(await told(await post('/v1/summaries', request()))).toMatchObject({
          status: 429,
          code: 'quota_exceeded',
          after: '10',
        });
        expect((await post('/v1/summaries', first)).status).toBe(202);
        orchestrator.close(id, 'failed');
        expect((await post('/v1/summaries', request())).status).toBe(202);
        expect(await told(await post(`/v1/summaries/${id}/retry`, {}))).toMatchObject({
          status: 429,
          code: 'quota_exceeded',
        });
      },
      { quotas },
    ));

  it('of a batch do not count: its window bounds them', () =>
    withApp(
      async ({ post }) => {
        await post('/v1/summaries', request());
        await post('/v1/summaries', request());
        const response = await post('/v1/batches', {
          endpoint: '/v1/summaries',
          requests: [{ custom_id: 'a', method: 'POST', url: '/v1/summaries', body: request() }],
        });
        expect(response.status).toBe(200);
      },
      { quotas },
    ));
});

describe('seconds of video in a day', () => {
  async function take({ post, orchestrator }: Harness, videoSeconds: number): Promise<void> {
    const { id } = (await (await post('/v1/summaries', request())).json()) as { id: JobId };
    orchestrator.upsert(id, { usage: { ...NO_USAGE, videoSeconds } });
  }

  it('are counted from the jobs themselves, and come back at midnight in UTC', () =>
    withApp(
      async (harness) => {
        const { post, clock } = harness;
        await take(harness, 400);
        await clock.sleep(3_600_000);
        await take(harness, 700);
        await clock.sleep(3_600_000);
        expect(await told(await post('/v1/summaries', request()))).toEqual({
          status: 429,
          code: 'quota_exceeded',
          policy: '"video-seconds";q=1000;w=86400',
          left: '"video-seconds";r=0;t=79200',
          after: '79200',
        });
        expect((await post('/v1/batches', { endpoint: '/v1/summaries', requests: [{}] })).status).toBe(429);
        await clock.sleep(79_200_000);
        expect(await told(await post('/v1/summaries', request()))).toMatchObject({
          status: 202,
          left: '"video-seconds";r=1000;t=86400',
        });
      },
      { quotas: { ...NO_QUOTAS, videoSeconds: 1000 } },
    ));
});
