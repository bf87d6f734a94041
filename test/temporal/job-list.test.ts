import { describe, expect, it } from 'vitest';
import { JobId } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { listJobs } from '../../temporal/job-list.ts';
import type { JobRecord } from '../../temporal/orchestrator.ts';
import type { RunInfo, TemporalWire } from '../../temporal/wire.ts';

const START = Date.UTC(2026, 0, 1);

/** The job with a number: it was created that many seconds after the first. */
function jobId(number: number): JobId {
  const digits = String(number)
    .padStart(6, '0')
    .replace(/\d/g, (digit) => 'abcdefghij'[Number(digit)] ?? '');
  return JobId.parse(`sum_${digits.padStart(26, 'a')}`);
}

/** A server with many jobs that ended in an order of its own, and what it was asked. */
function server(count: number, hasGaps: (number: number) => boolean = () => false) {
  const runs = Array.from({ length: count }, (_, number): RunInfo => {
    const createdAt = new Date(START + number * 1000).toISOString();
    const status = hasGaps(number) ? ('completed_with_gaps' as const) : ('completed' as const);
    const memo: JobMemo = {
      tenant: 't',
      fingerprint: '',
      priority: 'normal',
      createdAt,
      outcome: { status },
    };
    return {
      ...{ workflowId: jobId(number), runId: `run-${number}`, firstRunId: '', state: 'completed' },
      ...{ startTime: createdAt, closeTime: createdAt, memo: { ...memo }, isChild: false },
    };
  });
  const order = runs
    .map((run, number) => ({ run, number, ended: (number * 7919) % count }))
    .sort((a, b) => b.ended - a.ended);
  const asked = { listed: 0, counted: 0 };
  const matching = (query: string): RunInfo[] => {
    const limit = (operator: string, none: number) =>
      Number(new RegExp(`FrameloomCreated${operator}(\\d+)`).exec(query)?.[1] ?? none);
    const ids = /WorkflowId IN \((.*?)\)/.exec(query)?.[1];
    return order
      .filter(({ number }) => START + number * 1000 <= limit('<=', Number.POSITIVE_INFINITY))
      .filter(({ number }) => START + number * 1000 >= limit('>=', 0))
      .filter(({ run }) => ids === undefined || ids.includes(run.workflowId))
      .map(({ run }) => run);
  };
  const wire = {
    async list({ query, pageSize, from = '0' }: Parameters<TemporalWire['list']>[0]) {
      asked.listed += 1;
      const all = matching(query);
      const end = Number(from) + pageSize;
      const page = all.slice(Number(from), end);
      return end < all.length ? { runs: page, next: String(end) } : { runs: page };
    },
    async count(query: string) {
      asked.counted += 1;
      return matching(query).length;
    },
  } as unknown as TemporalWire; // only these are used
  const recordOf = ({ workflowId, runId, memo }: RunInfo): JobRecord => ({
    ...{ id: JobId.parse(workflowId), run: runId, state: 'completed' },
    memo: memo as unknown as JobMemo, // made above
    createdAt: String(memo.createdAt),
  });
  return { lister: { wire, recordOf, query: "FrameloomTenant='t'" }, asked };
}

async function readAll(
  count: number,
  limit: number,
  more: Parameters<typeof server>[1] = undefined,
  status?: 'completed_with_gaps',
) {
  const { lister, asked } = server(count, more);
  const ids: JobId[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await listJobs(lister, {
      ...{ tenant: 't', limit },
      ...(cursor === undefined ? {} : { cursor }),
      ...(status ? { status } : {}),
    });
    ids.push(...page.records.map(({ id }) => id));
    cursor = page.nextCursor;
    pages += 1;
  } while (cursor !== undefined);
  return { ids, pages, asked };
}

describe('the list of jobs', () => {
  it.each([
    [0, 20],
    [1, 20],
    [20, 20],
    [21, 20],
    [251, 100],
    [3000, 100],
  ])('of %i jobs has each once, newest first, in pages of %i', async (count, limit) => {
    const { ids, asked, pages } = await readAll(count, limit);
    expect(ids).toEqual(Array.from({ length: count }, (_, index) => jobId(count - 1 - index)));
    expect(pages).toBe(Math.max(1, Math.ceil(count / limit)));
    // A page costs a few queries, however many jobs there are.
    expect((asked.listed + asked.counted) / pages).toBeLessThan(30);
  });

  it('finds the few jobs with a status that the server cannot be asked for', async () => {
    const { ids } = await readAll(1000, 10, (number) => number % 333 === 0, 'completed_with_gaps');
    expect(ids).toEqual([jobId(999), jobId(666), jobId(333), jobId(0)]);
  });

  it('refuses the cursor of another tenant', async () => {
    const { lister } = server(30);
    const { nextCursor = '' } = await listJobs(lister, { tenant: 't', limit: 10 });
    await expect(listJobs(lister, { tenant: 'other', limit: 10, cursor: nextCursor })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });
});
