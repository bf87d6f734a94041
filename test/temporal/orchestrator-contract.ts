/** What every Orchestrator must do. Run against the fake and against a real Temporal server. */
import { describe, expect, it } from 'vitest';
import { estimateIdOf, type JobId, jobIdFor } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { isClosed, type JobRecord, type ListInput, type Orchestrator } from '../../temporal/orchestrator.ts';
import { newMemo } from '../support/requests.ts';

/** An orchestrator under test, with hands on its jobs. */
export interface Bench {
  readonly orchestrator: Orchestrator;
  /** Lets a running job's workflow do this, and resolves when `describe` shows it. */
  act(id: JobId, what: 'begin' | 'complete' | 'fail'): Promise<void>;
  /** Resolves once a cancelled job has ended. */
  untilClosed(id: JobId): Promise<JobRecord>;
}

let number = 0;

/** An id and memo that no other test uses. */
async function newJob(tenant = 'default'): Promise<{ jobId: JobId; memo: JobMemo }> {
  number += 1;
  const key = `contract ${process.pid} ${Date.now()} ${number}`;
  return { jobId: await jobIdFor(tenant, key), memo: newMemo(tenant, key) };
}

/** Registers the suite. `bench` is called by each test, within the life of the caller's server. */
export function describeOrchestrator(name: string, bench: () => Bench): void {
  describe(`the orchestrator: ${name}`, () => {
    it('starts a job that carries its memo', async () => {
      const { orchestrator } = bench();
      const job = await newJob();
      const before = Date.now() - 60_000;
      const record = await orchestrator.start({ ...job, key: 'idempotency' });
      expect(record).toMatchObject({ id: job.jobId, state: 'running', memo: job.memo });
      expect(record.run).not.toBe('');
      expect(Date.parse(record.createdAt)).toBeGreaterThan(before);
      expect(await orchestrator.describe(job.jobId)).toEqual(record);
    });

    it('makes one run of 20 concurrent equal starts', async () => {
      const { orchestrator } = bench();
      const job = await newJob();
      const start = () => orchestrator.start({ ...job, key: 'content' });
      const records = await Promise.all(Array.from({ length: 20 }, start));
      expect(new Set(records.map((record) => record.run)).size).toBe(1);
    });

    it('answers a second start with the memo of the first', async () => {
      const { orchestrator } = bench();
      const job = await newJob();
      const first = await orchestrator.start({ ...job, key: 'idempotency' });
      const memo = { ...job.memo, fingerprint: 'another' };
      expect(await orchestrator.start({ ...job, memo, key: 'idempotency' })).toEqual(first);
    });

    it.each(['idempotency', 'content'] as const)(
      'never runs a completed job again, under its %s',
      async (key) => {
        const { orchestrator, act } = bench();
        const job = await newJob();
        const { run } = await orchestrator.start({ ...job, key });
        await act(job.jobId, 'complete');
        const again = await orchestrator.start({ ...job, key });
        expect(again).toMatchObject({ run, state: 'completed' });
        expect(again.closedAt).toBeDefined();
      },
    );

    it('runs a failed job again under its content, and not under its idempotency key', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      const { run } = await orchestrator.start({ ...job, key: 'content' });
      await act(job.jobId, 'fail');
      expect(await orchestrator.start({ ...job, key: 'idempotency' })).toMatchObject({
        run,
        state: 'failed',
      });
      const again = await orchestrator.start({ ...job, key: 'content' });
      expect(again.state).toBe('running');
      expect(again.run).not.toBe(run);
    });

    it('shows what the workflow puts into the memo', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'idempotency' });
      await act(job.jobId, 'begin');
      const record = await orchestrator.describe(job.jobId);
      expect(record?.memo).toEqual({ ...job.memo, startedAt: '2026-01-01T00:00:00.000Z' });
    });

    it('shows a job as cancelling from the request until it has ended', async () => {
      const { orchestrator, untilClosed } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'idempotency' });
      await orchestrator.cancel(job.jobId);
      const asked = await orchestrator.describe(job.jobId);
      expect(['cancelling', 'cancelled']).toContain(asked?.state);
      expect((await untilClosed(job.jobId)).state).toBe('cancelled');
      await orchestrator.cancel(job.jobId);
    });

    it('deletes a job that runs, and one that has ended, and finds nothing of them afterwards', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'idempotency' });
      await orchestrator.delete(job.jobId);
      expect(await orchestrator.describe(job.jobId)).toBeUndefined();
      await orchestrator.start({ ...job, key: 'idempotency' });
      await act(job.jobId, 'complete');
      await orchestrator.delete(job.jobId);
      expect(await orchestrator.describe(job.jobId)).toBeUndefined();
      await orchestrator.delete(job.jobId);
      expect((await orchestrator.start({ ...job, key: 'idempotency' })).state).toBe('running');
    });

    it('runs a completed job again when asked to, as one new run with the request of the first', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'idempotency' });
      await act(job.jobId, 'begin');
      await act(job.jobId, 'complete');
      const ended = await orchestrator.describe(job.jobId);
      if (!ended) throw new Error('no such job');
      const records = await Promise.all(Array.from({ length: 10 }, () => orchestrator.retry(ended)));
      expect(new Set(records.map(({ run }) => run)).size).toBe(1);
      const [again] = records;
      // The retry has a beginning of its own.
      const { createdAt: _first, ...kept } = job.memo;
      expect(again).toMatchObject({ state: 'running', memo: { ...kept, retryOf: ended.run } });
      expect(again?.run).not.toBe(ended.run);
      expect(again?.memo.startedAt).toBeUndefined();
    });

    it('does not run a job a third time for a look at its first run', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'content' });
      await act(job.jobId, 'fail');
      const ended = await orchestrator.describe(job.jobId);
      if (!ended) throw new Error('no such job');
      const { run } = await orchestrator.retry(ended);
      await act(job.jobId, 'complete');
      expect(await orchestrator.retry(ended)).toMatchObject({ run, state: 'completed' });
    });

    it('runs no job again that was deleted', async () => {
      const { orchestrator, act } = bench();
      const job = await newJob();
      await orchestrator.start({ ...job, key: 'content' });
      await act(job.jobId, 'complete');
      const ended = await orchestrator.describe(job.jobId);
      if (!ended) throw new Error('no such job');
      await orchestrator.delete(job.jobId);
      await expect(orchestrator.retry(ended)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('knows nothing of a job that was never started', async () => {
      const { orchestrator } = bench();
      const { jobId } = await newJob();
      expect(await orchestrator.describe(jobId)).toBeUndefined();
      await orchestrator.cancel(jobId);
      await orchestrator.delete(jobId);
    });

    it("lists a tenant's jobs, each once, newest first, page by page", async () => {
      const { orchestrator } = bench();
      const tenant = `tenant-${Date.now()}`;
      const jobs = [];
      for (let count = 0; count < 5; count += 1) {
        const job = await newJob(tenant);
        await orchestrator.start({ ...job, key: 'idempotency' });
        jobs.push(job.jobId);
      }
      const other = await newJob();
      await orchestrator.start({ ...other, key: 'idempotency' });
      await expect
        .poll(async () => (await orchestrator.list({ tenant, limit: 100 })).records.length, POLL)
        .toBe(5);
      const pages = await readPages(orchestrator, tenant, 2);
      expect(pages.map((page) => page.length).filter((length) => length > 0)).toEqual([2, 2, 1]);
      expect(pages.flat().map((record) => record.id)).toEqual(jobs.reverse());
      expect(pages.flat().every((record) => !isClosed(record) && record.memo.tenant === tenant)).toBe(true);
    });

    it('lists jobs by their creation, whenever they ended, and a retried job once', async () => {
      const { orchestrator, act } = bench();
      const tenant = `ended-${Date.now()}`;
      const ids: JobId[] = [];
      for (let count = 0; count < 4; count += 1) {
        const { jobId, memo } = await newJob(tenant);
        const createdAt = new Date(Date.UTC(2026, 0, 1, 0, 0, count)).toISOString();
        await orchestrator.start({ jobId, memo: { ...memo, createdAt }, key: 'idempotency' });
        ids.unshift(jobId);
      }
      const [newest, third, second, oldest] = ids as [JobId, JobId, JobId, JobId];
      await act(newest, 'complete');
      await act(second, 'fail');
      await act(third, 'complete');
      const list = async () => (await readPages(orchestrator, tenant, 2)).flat().map(({ id }) => id);
      await expect.poll(list, POLL).toEqual([newest, third, second, oldest]);
      const failed = await orchestrator.describe(second);
      if (!failed) throw new Error('no such job');
      await orchestrator.retry(failed);
      await expect.poll(list, POLL).toEqual([second, newest, third, oldest]);
      const { records } = await orchestrator.list({ tenant, limit: 5, status: 'failed' });
      expect(records.map(({ id }) => id)).not.toContain(second);
    });

    it('lists the jobs with a status, a type, a custom id or a time of creation', async () => {
      const { orchestrator, act } = bench();
      const tenant = `filters-${Date.now()}`;
      const jobs: JobRecord[] = [];
      for (const [second, type] of (['video', 'deck', 'images', 'deck'] as const).entries()) {
        const { jobId, memo } = await newJob(tenant);
        const createdAt = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
        const labels = { type, customIdKey: String(second).repeat(32), createdAt };
        jobs.push(await orchestrator.start({ jobId, memo: { ...memo, ...labels }, key: 'idempotency' }));
      }
      const [first, second, third, fourth] = jobs.map(({ id }) => id) as [JobId, JobId, JobId, JobId];
      await act(first, 'begin');
      await act(second, 'fail');
      const found = async (filter: Partial<ListInput>) =>
        (await orchestrator.list({ tenant, limit: 10, ...filter })).records.map(({ id }) => id);
      await expect.poll(() => found({ status: 'failed' }), POLL).toEqual([second]);
      await expect.poll(() => found({ status: 'processing' }), POLL).toEqual([first]);
      expect(await found({ status: 'queued' })).toEqual([fourth, third]);
      expect(await found({ type: 'deck' })).toEqual([fourth, second]);
      expect(await found({ type: 'deck', status: 'queued' })).toEqual([fourth]);
      expect(await found({ customIdKey: '2'.repeat(32) })).toEqual([third]);
      expect(await found({ customIdKey: '9'.repeat(32) })).toEqual([]);
      const at = (time: number) => Date.UTC(2026, 0, 1, 0, 0, time);
      expect(await found({ createdAfter: at(1) })).toEqual([fourth, third]);
      expect(await found({ createdAfter: at(0), createdBefore: at(2) })).toEqual([second]);
    });

    it('counts the jobs that go first: of a higher priority, and of the same and sent before', async () => {
      const { orchestrator, act } = bench();
      const jobs = [];
      for (const priority of ['low', 'low', 'normal', 'high', 'low', 'high'] as const) {
        const { jobId, memo } = await newJob();
        jobs.push(await orchestrator.start({ jobId, memo: { ...memo, priority }, key: 'content' }));
      }
      const [first, second, normal, high, last, later] = jobs;
      if (!first || !second || !normal || !high || !last || !later) throw new Error('six were started');
      const ahead = (record: JobRecord) => orchestrator.queuePosition(record);
      // Other tests have left jobs running, which go before them all; lists get to know of each a moment
      // after its start.
      const places = async () => {
        const before = await Promise.all([first, second, last, normal, high].map(ahead));
        const [one = 0, two = 0, three = 0, ordinary = 0, urgent = 0] = before;
        return { low: [two - one, three - one], normal: one > ordinary, high: ordinary > urgent };
      };
      await expect.poll(places, POLL).toEqual({ low: [1, 2], normal: true, high: true });
      // Others may still turn up in the counts, but none of them is of high priority.
      const between = async () => (await ahead(later)) - (await ahead(high));
      await expect.poll(between, POLL).toBe(1);
      await act(high.id, 'complete');
      await expect.poll(between, POLL).toBe(0);
    });

    it("sums what a tenant's runs have cost, and counts his unfinished jobs", async () => {
      const { orchestrator, act } = bench();
      const tenant = `spender-${Date.now()}`;
      const from = new Date(Date.now() - 60_000).toISOString();
      const until = new Date(Date.now() + 3_600_000).toISOString();
      const usage = {
        ...{ inputTokens: 10, outputTokens: 2, gpuSeconds: 0.5, cost: 0.25 },
        ...{ videoSeconds: 3, currency: 'EUR' },
      };
      const ids: JobId[] = [];
      for (let count = 0; count < 3; count += 1) {
        const { jobId, memo } = await newJob(tenant);
        await orchestrator.start({ jobId, memo: { ...memo, usage }, key: 'idempotency' });
        ids.push(jobId);
      }
      const other = await newJob(`${tenant}-other`);
      await orchestrator.start({ ...other, memo: { ...other.memo, usage }, key: 'idempotency' });
      const [first] = ids;
      if (!first) throw new Error('no job');
      await act(first, 'fail');
      const ended = await orchestrator.describe(first);
      if (!ended) throw new Error('no such job');
      await orchestrator.retry(ended);
      // Four runs, of which the retry has cost nothing yet.
      const asked = { tenant, from, until };
      await expect
        .poll(() => orchestrator.tenantUsage(asked), { timeout: 20_000 })
        .toEqual({
          jobs: 4,
          usage: {
            ...{ inputTokens: 30, outputTokens: 6, gpuSeconds: 1.5, cost: 0.75 },
            ...{ videoSeconds: 9, currency: 'EUR' },
          },
        });
      await expect.poll(() => orchestrator.unfinished(tenant), { timeout: 20_000 }).toBe(3);
      expect(await orchestrator.admissionUsage(asked)).toEqual({ unfinished: 3, videoSeconds: 9 });
      const before = { tenant, from: '2020-01-01T00:00:00.000Z', until: from };
      expect((await orchestrator.tenantUsage(before)).jobs).toBe(0);
      expect(await orchestrator.admissionUsage(before)).toEqual({ unfinished: 3, videoSeconds: 0 });
      expect(await orchestrator.unfinished('nobody')).toBe(0);
    });

    it('makes one estimate of equal requests at once, and finds it by its id', async () => {
      const { estimates } = bench().orchestrator;
      const { jobId, memo } = await newJob();
      const { tenant, fingerprint, priority } = memo;
      const id = estimateIdOf(jobId);
      expect(await estimates.describe(id)).toBeUndefined();
      const start = () => estimates.start(id, { jobId, tenant }, { tenant, fingerprint, priority });
      const records = await Promise.all(Array.from({ length: 5 }, start));
      expect(records[0]).toMatchObject({ id, state: 'running', memo: { tenant, fingerprint } });
      expect(new Set(records.map(({ createdAt }) => createdAt)).size).toBe(1);
      expect(await estimates.describe(id)).toEqual(records[0]);
    });

    it('refuses a cursor that is none', async () => {
      const { orchestrator } = bench();
      await expect(
        orchestrator.list({ tenant: 'default', limit: 2, cursor: 'bm9uZQ' }),
      ).rejects.toMatchObject({
        code: 'invalid_request',
      });
    });

    it('is ready', async () => {
      expect(await bench().orchestrator.ready()).toBe(true);
    });
  });
}

const POLL = { timeout: 20_000, interval: 100 } as const;

async function readPages(orchestrator: Orchestrator, tenant: string, limit: number): Promise<JobRecord[][]> {
  const pages: JobRecord[][] = [];
  let cursor: string | undefined;
  do {
    const page = await orchestrator.list({ tenant, limit, ...(cursor === undefined ? {} : { cursor }) });
    pages.push([...page.records]);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return pages;
}
