import { describe, expect, it } from 'vitest';
import type { FrameDecision } from '../../schema/source.ts';
import { FRAMES, jobArtifact } from '../../store/names.ts';
import { contentOf } from '../support/tenant-content.ts';
import { type Harness, withApp } from './harness.ts';

/** Writes a frame list with images `zero` and `one`, and a duplicate between them. */
async function writeFrames(store: Harness['store'], id: string): Promise<string> {
  const [zero, one] = await Promise.all(
    ['zero', 'one'].map((text) => contentOf(store).putByContent(FRAMES, new TextEncoder().encode(text))),
  );
  const decisions: FrameDecision[] = [
    { time: 0, name: zero?.name ?? '', kept: true, reason: 'first', difference: 1 },
    { time: 1, kept: false, reason: 'duplicate', difference: 0.001 },
    { time: 2, name: one?.name ?? '', kept: true, reason: 'changed', difference: 0.5 },
  ];
  const lines = decisions.map((decision) => `${JSON.stringify(decision)}\n`).join('');
  await store.put(jobArtifact(id, 'run-1', 'frames.jsonl'), new TextEncoder().encode(lines));
  return lines;
}

describe('the frames of a job', () => {
  it('are not ready before they were taken, and not there when the job ended before', () =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      for (const path of ['frames', 'frames/0.jpg']) {
        const response = await app.request(`/v1/summaries/${id}/${path}`);
        expect(await response.json()).toMatchObject({ status: 409, code: 'not_ready', retryable: true });
      }
      orchestrator.close(id, 'failed');
      expect((await app.request(`/v1/summaries/${id}/frames`)).status).toBe(404);
    }));

  it('are listed with every decision of the sampler while the job runs', () =>
    withApp(async ({ app, startJob, store }) => {
      const { id } = await startJob();
      const lines = await writeFrames(store, id);
      const response = await app.request(`/v1/summaries/${id}/frames`);
      expect(response.headers.get('Content-Type')).toBe('application/x-ndjson');
      expect(await response.text()).toBe(lines);
    }));

  it('number the kept frames', () =>
    withApp(async ({ app, startJob, store }) => {
      const { id } = await startJob();
      await writeFrames(store, id);
      const picture = (number: number) => app.request(`/v1/summaries/${id}/frames/${number}.jpg`);
      const one = await picture(1);
      expect(one.headers.get('Content-Type')).toBe('image/jpeg');
      expect(one.headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable');
      expect(await one.text()).toBe('one');
      expect(await (await picture(0)).text()).toBe('zero');
      expect((await picture(2)).status).toBe(404);
    }));

  it('are not even read for HEAD', () =>
    withApp(async ({ app, startJob, store }) => {
      const { id } = await startJob();
      await writeFrames(store, id);
      store.read = () => Promise.reject(new Error('read'));
      for (const path of ['frames', 'frames/1.jpg']) {
        const response = await app.request(`/v1/summaries/${id}/${path}`, { method: 'HEAD' });
        expect([response.status, await response.text()]).toEqual([200, '']);
      }
    }));

  it('are not sent again to a client that has them', () =>
    withApp(async ({ app, startJob, store }) => {
      const { id } = await startJob();
      await writeFrames(store, id);
      const path = `/v1/summaries/${id}/frames/0.jpg`;
      const etag = (await app.request(path)).headers.get('ETag') ?? '';
      const again = await app.request(path, { headers: { 'If-None-Match': `W/${etag}, "other"` } });
      expect([again.status, await again.text()]).toEqual([304, '']);
      expect((await app.request(path, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
    }));
});
