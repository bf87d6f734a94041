/** The orchestrator port in memory, with the hands that move a job along. Kept honest by the contract suite. */

import { FrameloomError } from '../../core/errors.ts';
import type { JobId } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { sumUsage } from '../../schema/usage-cost.ts';
import {
  isClosed,
  type JobRecord,
  type Orchestrator,
  retryMemo,
  statusOf,
} from '../../temporal/orchestrator.ts';
import { createFakeBatches, type FakeBatches } from './fake-batches.ts';
import { createFakeEstimates, type FakeEstimates } from './fake-estimates.ts';

export interface FakeOrchestrator extends Orchestrator {
  readonly batches: FakeBatches;
  readonly estimates: FakeEstimates;
  /** Lets what a running job does next wait for a worker, or lets a worker start it. */
  setWaiting(id: JobId, waits: boolean): void;
  /** Changes the memo, as the workflow would. */
  upsert(id: JobId, change: Partial<JobMemo>): void;
  /** Ends the current run. */
  close(id: JobId, state: 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out'): void;
  /** Pieces of work that wait, and how many are taken up per second. */
  pace: { backlog: number; rate: number };
  /** While set, every call fails as if nothing answered. */
  down: boolean;
  /** Calls of `describe` so far. */
  describes: number;
  /** Runs started so far. */
  runs: number;
}

export function createFakeOrchestrator(now: () => number = Date.now): FakeOrchestrator {
  const jobs = new Map<JobId, JobRecord>();
  /** Runs that another has followed. */
  const runs: JobRecord[] = [];

  function found(id: JobId): JobRecord {
    const record = jobs.get(id);
    if (!record) throw new Error(`no job ${id}`);
    return record;
  }

  function answer(): void {
    if (fake.down) throw new FrameloomError('unavailable', 'The orchestrator does not respond.');
  }

  function begin(id: JobId, memo: JobMemo): JobRecord {
    fake.runs += 1;
    const record: JobRecord = {
      id,
      run: `run-${fake.runs}`,
      state: 'running',
      memo,
      createdAt: memo.createdAt,
    };
    const before = jobs.get(id);
    if (before) runs.push(before);
    // The newest comes last.
    jobs.delete(id);
    jobs.set(id, record);
    return record;
  }

  async function unfinished(tenant: string): Promise<number> {
    answer();
    return [...jobs.values()].filter((record) => record.memo.tenant === tenant && !isClosed(record)).length;
  }

  const fake: FakeOrchestrator = {
    batches: createFakeBatches(now, answer),
    estimates: createFakeEstimates(now, answer),
    down: false,
    pace: { backlog: 0, rate: 0 },
    describes: 0,
    runs: 0,

    async start({ jobId, memo, key }) {
      answer();
      const known = jobs.get(jobId);
      const again = known && key === 'content' && isClosed(known) && known.state !== 'completed';
      if (known && !again) return known;
      return begin(jobId, memo);
    },

    async retry(ended) {
      answer();
      const latest = jobs.get(ended.id);
      if (!latest) throw new FrameloomError('not_found', 'The job was deleted.');
      return latest.run === ended.run
        ? begin(ended.id, retryMemo(ended, new Date(now()).toISOString()))
        : latest;
    },

    async describe(id) {
      answer();
      fake.describes += 1;
      return jobs.get(id);
    },

    async list({ tenant, limit, cursor, status, type, customIdKey, createdAfter, createdBefore }) {
      answer();
      const start = Number(cursor ?? 0);
      if (!Number.isInteger(start))
        throw new FrameloomError('invalid_request', 'The cursor does not belong to this list.');
      const mine = [...jobs.values()]
        .filter(
          (record) =>
            record.memo.tenant === tenant &&
            (status === undefined || statusOf(record) === status) &&
            (type === undefined || record.memo.type === type) &&
            (customIdKey === undefined || record.memo.customIdKey === customIdKey) &&
            (createdAfter === undefined || Date.parse(record.createdAt) > createdAfter) &&
            (createdBefore === undefined || Date.parse(record.createdAt) < createdBefore),
        )
        .reverse();
      const records = mine.slice(start, start + limit);
      return start + limit < mine.length ? { records, nextCursor: String(start + limit) } : { records };
    },

    async queuePosition({ id, memo }) {
      answer();
      const order = ['high', 'normal', 'low'];
      const level = order.indexOf(memo.priority);
      const running = [...jobs.values()].filter((record) => !isClosed(record));
      const own = running.findIndex((record) => record.id === id);
      const ahead = running.filter((record, index) => {
        const other = order.indexOf(record.memo.priority);
        return other < level || (other === level && index < own);
      });
      return ahead.length;
    },

    async gpuBacklog() {
      answer();
      return { tasks: fake.pace.backlog, tasksPerSecond: fake.pace.rate };
    },

    async tenantUsage({ tenant, from, until }) {
      answer();
      const mine = [...runs, ...jobs.values()].filter(
        ({ memo, createdAt }) => memo.tenant === tenant && createdAt >= from && createdAt < until,
      );
      return { jobs: mine.length, usage: sumUsage(mine.map(({ memo }) => memo.usage)) };
    },

    unfinished,

    async admissionUsage(asked) {
      const { usage } = await fake.tenantUsage(asked);
      return { unfinished: await unfinished(asked.tenant), videoSeconds: usage.videoSeconds };
    },

    async cancel(id) {
      answer();
      const record = jobs.get(id);
      if (record?.state === 'running') jobs.set(id, { ...record, state: 'cancelling' });
    },

    async delete(id) {
      answer();
      const record = jobs.get(id);
      if (record) runs.push(record);
      jobs.delete(id);
    },

    async ready() {
      return !fake.down;
    },

    upsert(id, change) {
      const record = found(id);
      jobs.set(id, { ...record, memo: { ...record.memo, ...change } });
    },

    setWaiting(id, waits) {
      const { isWaiting: _, ...record } = found(id);
      jobs.set(id, waits ? { ...record, isWaiting: true } : record);
    },

    close(id, state) {
      jobs.set(id, { ...found(id), state, closedAt: new Date(now()).toISOString() });
    },
  };
  return fake;
}
