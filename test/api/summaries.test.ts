import { describe, expect, it } from 'vitest';
import { ERRORS } from '../../core/errors.ts';
import type { Job } from '../../schema/job.ts';
import { jobPrefix } from '../../store/names.ts';
import { PROGRESS, withApp } from './harness.ts';

const REQUEST = { source: { type: 'video', url: 'https://example.com/talk.mp4' } };

describe('starting a job', () => {
  it('returns 202 with a queued job and its location', () =>
    withApp(async ({ post, app }) => {
      const response = await post('/v1/summaries', {
        ...REQUEST,
        custom_id: 'talk-17',
        metadata: { a: 'b' },
      });
      const job = (await response.json()) as Job;
      expect(response.status).toBe(202);
      expect(job).toMatchObject({
        object: 'summary',
        status: 'queued',
        custom_id: 'talk-17',
        metadata: { a: 'b' },
      });
      expect(response.headers.get('Location')).toBe(`/v1/summaries/${job.id}`);
      expect(await (await app.request(`/v1/summaries/${job.id}`)).json()).toEqual(job);
    }));

  it('fills in the defaults of the request', () =>
    withApp(async ({ post }) => {
      const job = (await (await post('/v1/summaries', REQUEST)).json()) as Job;
      expect(job.request).toEqual({
        ...REQUEST,
        sampling: { mode: 'adaptive', fps: 1, max_frames: 600 },
        detail: 'medium',
        priority: 'normal',
      });
    }));

  it('takes 20 equal requests under one key for one job', () =>
    withApp(async ({ post, orchestrator }) => {
      const key = { 'Idempotency-Key': 'k' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => post('/v1/summaries', REQUEST, key)),
      );
      const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as Job).id));
      expect(answers.map((answer) => answer.status)).toEqual(Array(20).fill(202));
      expect(new Set(ids).size).toBe(1);
      expect(orchestrator.runs).toBe(1);
    }));

  it('takes equal requests without a key for one job, whatever the order of their members', () =>
    withApp(async ({ post }) => {
      const one = await post(
        '/v1/summaries',
        '{"detail":"low","source":{"type":"video","url":"https://a.example/v"}}',
      );
      const two = await post(
        '/v1/summaries',
        '{"source":{"url":"https://a.example/v","type":"video"},"detail":"low"}',
      );
      expect(((await two.json()) as Job).id).toBe(((await one.json()) as Job).id);
    }));

  it('takes a quoted key and the same key bare for one key', () =>
    withApp(async ({ post }) => {
      const bare = await post('/v1/summaries', REQUEST, { 'Idempotency-Key': 'a "b"' });
      const quoted = await post('/v1/summaries', REQUEST, { 'Idempotency-Key': '"a \\"b\\""' });
      expect(((await quoted.json()) as Job).id).toBe(((await bare.json()) as Job).id);
    }));

  it('rejects another request with a used key, during the job and after it', () =>
    withApp(async ({ post, orchestrator }) => {
      const key = { 'Idempotency-Key': 'k' };
      const { id } = (await (await post('/v1/summaries', REQUEST, key)).json()) as Job;
      for (const close of [false, true]) {
        if (close) orchestrator.close(id, 'completed');
        const response = await post('/v1/summaries', { ...REQUEST, detail: 'low' }, key);
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
          409,
          'idempotency_conflict',
        ]);
      }
    }));

  it('returns 200 and the job for a repeated request once the job is final', () =>
    withApp(async ({ post, orchestrator }) => {
      const key = { 'Idempotency-Key': 'k' };
      const { id } = (await (await post('/v1/summaries', REQUEST, key)).json()) as Job;
      orchestrator.close(id, 'terminated');
      const response = await post('/v1/summaries', REQUEST, key);
      expect(response.status).toBe(200);
      expect(await response.json()).toMatchObject({ id, status: 'cancelled' });
    }));

  it('runs a failed job again when the same content is asked for without a key', () =>
    withApp(async ({ post, orchestrator }) => {
      const { id } = (await (await post('/v1/summaries', REQUEST)).json()) as Job;
      orchestrator.close(id, 'failed');
      const response = await post('/v1/summaries', REQUEST);
      expect(await response.json()).toMatchObject({ id, status: 'queued' });
      expect(orchestrator.runs).toBe(2);
    }));

  it('rejects a source whose file does not exist, and starts nothing', () =>
    withApp(async ({ post, orchestrator }) => {
      const file_id = `file_${'a'.repeat(26)}`;
      for (const source of [
        { type: 'deck', file_id },
        { type: 'images', file_ids: [file_id] },
      ]) {
        const response = await post('/v1/summaries', { source });
        expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
          422,
          'source_missing',
        ]);
      }
      expect(orchestrator.runs).toBe(0);
    }));

  it('waits for the end of the job when asked to', () =>
    withApp(async ({ post, orchestrator, clock }) => {
      clock.onSleep = async () => {
        const { records } = await orchestrator.list({ tenant: 'default', limit: 1 });
        const [record] = records;
        if (!record) return;
        orchestrator.upsert(record.id, { outcome: { status: 'completed' } });
        orchestrator.close(record.id, 'completed');
      };
      const response = await post('/v1/summaries?wait=60', REQUEST);
      expect(response.status).toBe(200);
      expect(((await response.json()) as Job).status).toBe('completed');
    }));

  it('returns the unfinished job when the time is up', () =>
    withApp(async ({ post, clock }) => {
      const start = clock.now();
      const response = await post('/v1/summaries?wait=3', REQUEST);
      expect(response.status).toBe(202);
      expect(clock.now() - start).toBe(3000);
    }));

  it('returns 503 while the orchestrator does not respond', () =>
    withApp(async ({ post, orchestrator }) => {
      orchestrator.down = true;
      const response = await post('/v1/summaries', REQUEST);
      expect(response.status).toBe(503);
      expect(response.headers.get('Retry-After')).toBe('1');
    }));
});

describe('a job', () => {
  it('goes from queued to processing to cancelling to cancelled', () =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      const status = async () => ((await (await app.request(`/v1/summaries/${id}`)).json()) as Job).status;
      expect(await status()).toBe('queued');
      orchestrator.upsert(id, { startedAt: '2026-01-01T00:00:00.000Z', progress: PROGRESS });
      expect(await status()).toBe('processing');
      const cancelled = await app.request(`/v1/summaries/${id}/cancel`, { method: 'POST' });
      expect(cancelled.status).toBe(202);
      expect(await status()).toBe('cancelling');
      orchestrator.close(id, 'cancelled');
      expect(await status()).toBe('cancelled');
      expect((await app.request(`/v1/summaries/${id}/cancel`, { method: 'POST' })).status).toBe(200);
    }));

  it.each([
    ['failed', 'failed', 'internal'],
    ['timed_out', 'failed', 'timeout'],
    ['completed', 'failed', 'internal'],
    ['terminated', 'cancelled', undefined],
  ] as const)('that ended as %s without an outcome is %s', (state, status, code) =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      orchestrator.close(id, state);
      const job = (await (await app.request(`/v1/summaries/${id}`)).json()) as Job;
      expect([job.status, job.error?.code]).toEqual([status, code]);
      expect(job.completed_at).not.toBeNull();
    }),
  );

  it('carries its stored result and ledger, which lists leave out', () =>
    withApp(async ({ app, startJob, orchestrator, store }) => {
      const { id } = await startJob();
      const result = { title: 'T', summary: 'S' };
      const ledger = { gpu_seconds: 1 };
      const stored = await store.put(
        `${jobPrefix(id)}run-1/result.json`,
        Buffer.from(JSON.stringify(result)),
      );
      await store.put(`${jobPrefix(id)}run-1/ledger.json`, Buffer.from(JSON.stringify(ledger)));
      orchestrator.upsert(id, {
        outcome: {
          status: 'completed',
          result: { name: stored.name, sha256: stored.sha256 },
          ledger: `${jobPrefix(id)}run-1/ledger.json`,
        },
      });
      orchestrator.close(id, 'completed');
      const one = await (await app.request(`/v1/summaries/${id}`)).json();
      expect(one).toMatchObject({ status: 'completed', result, ledger, result_sha256: stored.sha256 });
      const list = await (await app.request('/v1/summaries')).json();
      expect(list).toMatchObject({
        data: [{ id, result: null, ledger: null, result_sha256: stored.sha256 }],
      });
    }));

  it('whose result has vanished is an error that names no file', () =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      const result = { name: `${jobPrefix(id)}run-1/result.json`, sha256: 'a'.repeat(64) };
      orchestrator.upsert(id, { outcome: { status: 'completed', result } });
      const response = await app.request(`/v1/summaries/${id}`);
      const text = await response.text();
      expect(response.status).toBe(ERRORS.artifact_corrupt.status);
      expect(text).toContain('artifact_corrupt');
      expect(text).not.toContain('result.json');
    }));

  it('with gaps runs again once, however many clients retry it, and has its earlier result meanwhile', () =>
    withApp(async ({ app, startJob, orchestrator, store }) => {
      const { id } = await startJob();
      const name = `${jobPrefix(id)}run-1/result.json`;
      const { sha256 } = await store.put(
        name,
        Buffer.from('{"summary":"S","gaps":[{"segment":3,"reason":"timeout"}]}'),
      );
      orchestrator.upsert(id, {
        startedAt: '2026-01-01T00:00:00.000Z',
        outcome: { status: 'completed_with_gaps', result: { name, sha256 } },
      });
      orchestrator.close(id, 'completed');
      const ask = () => app.request(`/v1/summaries/${id}/retry`, { method: 'POST' });
      const atOnce = await Promise.all([ask(), ask(), ask()]);
      const later = await ask();
      expect([...atOnce, later].map(({ status }) => status)).toEqual([202, 202, 202, 202]);
      expect(orchestrator.runs).toBe(2);
      expect(await later.json()).toMatchObject({
        id,
        status: 'queued',
        progress: { percent: 0 },
        result: { summary: 'S' },
        result_sha256: sha256,
      });
      orchestrator.close(id, 'cancelled');
      const after = await (await app.request(`/v1/summaries/${id}`)).json();
      expect(after).toMatchObject({ status: 'cancelled', result: { summary: 'S' } });
    }));

  it.each([
    ['that failed', 'failed'],
    ['that was cancelled', 'cancelled'],
    ['that was out of time', 'timed_out'],
  ] as const)('%s can be run again', (_, state) =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      orchestrator.close(id, state);
      expect((await app.request(`/v1/summaries/${id}/retry`, { method: 'POST' })).status).toBe(202);
      expect(orchestrator.runs).toBe(2);
    }),
  );

  it('that runs, or has no gaps, is not run again', () =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id } = await startJob();
      const refusal = async () => {
        const response = await app.request(`/v1/summaries/${id}/retry`, { method: 'POST' });
        return [response.status, ((await response.json()) as { code: string }).code];
      };
      expect(await refusal()).toEqual([409, 'job_running']);
      orchestrator.upsert(id, { outcome: { status: 'completed' } });
      orchestrator.close(id, 'completed');
      expect(await refusal()).toEqual([409, 'nothing_to_retry']);
      expect(orchestrator.runs).toBe(1);
    }));

  it('is not run again if all of its gaps are in the source', () =>
    withApp(async ({ app, startJob, orchestrator, store }) => {
      const { id } = await startJob();
      const name = `${jobPrefix(id)}run-1/result.json`;
      const gaps = [{ slides: [1], reason: 'renderer_missing', attempts: 1 }];
      const { sha256 } = await store.put(name, Buffer.from(JSON.stringify({ gaps })));
      orchestrator.upsert(id, { outcome: { status: 'completed_with_gaps', result: { name, sha256 } } });
      orchestrator.close(id, 'completed');
      const response = await app.request(`/v1/summaries/${id}/retry`, { method: 'POST' });
      expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
        409,
        'nothing_to_retry',
      ]);
      expect(orchestrator.runs).toBe(1);
    }));

  it("that is nobody's is not found by a retry", () =>
    withApp(async ({ app }) => {
      const response = await app.request(`/v1/summaries/sum_${'a'.repeat(26)}/retry`, { method: 'POST' });
      expect(response.status).toBe(404);
    }));

  it('can be deleted with all it made once it has ended', () =>
    withApp(async ({ app, startJob, orchestrator, store, writeEvents }) => {
      const { id } = await startJob();
      await writeEvents(id, [
        { id: 1, type: 'job.started', time: '2026-01-01T00:00:00Z', progress: PROGRESS },
      ]);
      const remove = () => app.request(`/v1/summaries/${id}`, { method: 'DELETE' });
      orchestrator.close(id, 'completed');
      expect((await remove()).status).toBe(204);
      for await (const name of store.list(jobPrefix(id))) expect.unreachable(name);
      expect((await remove()).status).toBe(404);
    }));
});

describe('a job that waits', () => {
  it('reports its queue position and, once its size is known, the estimated end, until a segment is described', () =>
    withApp(async ({ app, startJob, orchestrator }) => {
      const { id: first } = await startJob('https://a.example/1');
      const { id } = await startJob('https://a.example/2');
      const progress = async () =>
        ((await (await app.request(`/v1/summaries/${id}`)).json()) as Job).progress;
      orchestrator.setWaiting(id, true);
      expect(await progress()).toMatchObject({ stage: 'waiting', percent: 0 });
      const list = (await (await app.request('/v1/summaries')).json()) as { data: readonly Job[] };
      expect(list.data.find((job) => job.id === id)?.progress.stage).toBe('waiting');
      orchestrator.setWaiting(id, false);
      expect(await progress()).toMatchObject({ percent: 0, queue_position: 1 });
      const segments = { total: 6, done: 0, failed: 0 };
      orchestrator.pace = { backlog: 20, rate: 2.5 };
      orchestrator.upsert(id, { progress: { percent: 30, stage: 'describe', segments } });
      expect(await progress()).toMatchObject({ percent: 30, queue_position: 1, eta_seconds: 8 });
      orchestrator.close(first, 'completed');
      expect((await progress()).queue_position).toBe(0);
      orchestrator.upsert(id, {
        progress: { percent: 40, stage: 'describe', segments: { ...segments, done: 1 }, eta_seconds: 3 },
      });
      expect(await progress()).toEqual({
        percent: 40,
        stage: 'describe',
        segments: { ...segments, done: 1 },
        eta_seconds: 3,
      });
    }));
});

describe('the list of jobs', () => {
  it('gives every job once, newest first, page by page', () =>
    withApp(async ({ app, startJob }) => {
      const ids: string[] = [];
      for (let number = 0; number < 5; number += 1)
        ids.push((await startJob(`https://a.example/${number}`)).id);
      const listed: string[] = [];
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? '' : `&cursor=${cursor}`;
        const page = (await (await app.request(`/v1/summaries?limit=2${query}`)).json()) as {
          data: Job[];
          next_cursor: string | null;
        };
        expect(page.data.length).toBeLessThanOrEqual(2);
        listed.push(...page.data.map((job) => job.id));
        cursor = page.next_cursor;
      } while (cursor !== null);
      expect(listed).toEqual(ids.reverse());
    }));
});
