/** Estimates and usage over HTTP. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseApiKeys } from '../../config/api-keys.ts';
import { jobError } from '../../core/errors.ts';
import { Estimate, type EstimateAmounts } from '../../schema/estimate.ts';
import type { JobId } from '../../schema/ids.ts';
import { TenantUsage } from '../../schema/usage.ts';
import { withApp } from './harness.ts';

const REQUEST = { source: { type: 'video', url: 'https://example.com/talk.mp4' } };
const range = { expected: 2, low: 1, high: 3 };
const AMOUNTS: EstimateAmounts = {
  segments: range,
  frames: range,
  input_tokens: range,
  output_tokens: range,
  gpu_seconds: null,
  cost: range,
  currency: 'EUR',
  assumptions: [],
};

describe('an estimate', () => {
  it('is returned when it is completed or the time to wait is over, and can be read by its id', () =>
    withApp(async ({ app, post, orchestrator, clock }) => {
      const waiting = await post('/v1/estimates?wait=2', REQUEST);
      expect(waiting.status).toBe(202);
      const pending = Estimate.parse(await waiting.json());
      expect(pending).toMatchObject({ object: 'estimate', status: 'pending', estimate: null, error: null });
      expect(waiting.headers.get('Location')).toBe(`/v1/estimates/${pending.id}`);
      clock.onSleep = () => orchestrator.estimates.end(pending.id, { estimate: AMOUNTS });
      const done = await post('/v1/estimates', REQUEST);
      expect(done.status).toBe(200);
      const estimate = Estimate.parse(await done.json());
      expect(estimate).toMatchObject({ id: pending.id, status: 'completed', estimate: AMOUNTS });
      expect(await (await app.request(`/v1/estimates/${pending.id}`)).json()).toEqual(estimate);
      // Equal requests at once are one estimate, and no job was started.
      expect(orchestrator.estimates.started).toHaveLength(1);
      expect(orchestrator.runs).toBe(0);
    }));

  it('reports why it failed, and does not pass a password to Temporal', () =>
    withApp(async ({ app, post, orchestrator, clock }) => {
      const upload = await app.request('/v1/files', { method: 'POST', body: 'x' });
      const { id } = (await upload.json()) as { id: string };
      const body = { source: { type: 'deck', file_id: id, password: 'open sesame' } };
      clock.onSleep = () => {
        const [started] = orchestrator.estimates.started;
        const owner = started?.jobId.replace('sum_', 'est_');
        orchestrator.estimates.end(Estimate.shape.id.parse(owner), {
          error: jobError('encrypted_media', 'The password is wrong.'),
        });
      };
      const answer = Estimate.parse(await (await post('/v1/estimates', body)).json());
      expect(answer).toMatchObject({ status: 'failed', error: { code: 'encrypted_media' } });
      expect(JSON.stringify(orchestrator.estimates.started)).not.toContain('sesame');
    }));

  it('rejects a missing file and an invalid request before anything starts', () =>
    withApp(async ({ post, orchestrator }) => {
      const missing = { source: { type: 'deck', file_id: `file_${'a'.repeat(26)}` } };
      expect((await post('/v1/estimates', missing)).status).toBe(422);
      expect((await post('/v1/estimates', { ...REQUEST, promt: 'x' })).status).toBe(400);
      expect(orchestrator.estimates.started).toEqual([]);
    }));
});

describe('what was spent', () => {
  const usage = {
    ...{ inputTokens: 100, outputTokens: 20, gpuSeconds: 1.5, cost: 0.25 },
    ...{ videoSeconds: 60, currency: 'EUR' },
  };

  it('is the sum over the runs that began in the time given, retried and failed ones included', () =>
    withApp(async ({ app, post, orchestrator, clock }) => {
      const { id } = (await (await post('/v1/summaries', REQUEST)).json()) as { id: JobId };
      orchestrator.upsert(id, { usage });
      orchestrator.close(id, 'failed');
      await clock.sleep(60_000);
      await post(`/v1/summaries/${id}/retry`, {});
      orchestrator.upsert(id, { usage: { ...usage, cost: 0.5 } });
      await clock.sleep(60_000);
      const ask = async (query: string) =>
        TenantUsage.parse(await (await app.request(`/v1/usage${query}`)).json());
      const start = Date.UTC(2026, 0, 1) / 1000;
      expect(await ask('')).toEqual({
        object: 'usage',
        start_time: start,
        end_time: start + 121,
        jobs: 2,
        video_seconds: 120,
        input_tokens: 200,
        output_tokens: 40,
        gpu_seconds: 3,
        cost: 0.75,
        currency: 'EUR',
      });
      expect(await ask(`?start_time=${start + 30}`)).toMatchObject({ jobs: 1, cost: 0.5 });
      expect(await ask(`?end_time=${start + 30}`)).toMatchObject({ jobs: 1, cost: 0.25 });
      expect((await app.request(`/v1/usage?start_time=${start}&end_time=${start}`)).status).toBe(400);
    }));

  it('of a running job is part of the job, and is not counted for other tenants', () => {
    const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
    const keys = parseApiKeys(`ada:${hash('a')},bob:${hash('b')}`);
    return withApp(
      async ({ app, post, orchestrator }) => {
        const headers = { Authorization: 'Bearer a' };
        const { id } = (await (await post('/v1/summaries', REQUEST, headers)).json()) as { id: JobId };
        orchestrator.upsert(id, { usage });
        expect(await (await app.request(`/v1/summaries/${id}`, { headers })).json()).toMatchObject({
          usage: { input_tokens: 100, output_tokens: 20, gpu_seconds: 1.5, cost: 0.25, currency: 'EUR' },
        });
        const others = await app.request('/v1/usage', { headers: { Authorization: 'Bearer b' } });
        expect(await others.json()).toMatchObject({ jobs: 0, cost: 0, video_seconds: 0 });
      },
      { keys },
    );
  });
});
