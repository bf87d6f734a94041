/** The ways that batches, firings and estimates take, for scripts/record-histories.ts: activities that only answer. */
import type { WorkflowHandle } from '@temporalio/client';
import type { BatchTemplate, FireInput } from '../../schema/batch-schedule.ts';
import type {
  BatchActivities,
  BatchFileActivities,
  BatchInput,
  LinePosition,
  ReadBatchLinesOutput,
  ReadyLine,
} from '../../schema/batch-stages.ts';
import type { EstimateInput } from '../../schema/estimate.ts';
import { batchIdFor, jobIdFor, scheduleIdFor } from '../../schema/ids.ts';
import { NO_USAGE } from '../../schema/usage-cost.ts';

const TENANT = 'histories';
const A_DAY = 24 * 3600 * 1000;

export type Activities = Record<string, (input: never) => Promise<unknown>>;

export interface OtherWay {
  /** Of the file. */
  readonly name: string;
  readonly workflow: string;
  readonly id: string;
  readonly input: unknown;
  /** Beside those of the jobs. */
  readonly activities: Activities;
  /** What happens to it once the first segment of one of its jobs is being described. */
  readonly change?: (handle: WorkflowHandle) => Promise<unknown>;
}

/** Each way once. `poison` refuses whatever it is asked for. */
export async function otherWays(poison: () => Promise<never>): Promise<readonly OtherWay[]> {
  return [
    await batchOf('completed', 6),
    { ...(await batchOf('cancelled', 6)), change: (handle) => handle.cancel() },
    await batchOf('retried', 4, { round: 2, completed: 2, total: 6 }),
    await batchOf('continued', 80),
    await firing(),
    await estimate('completed', { estimateCosts: async () => ({ segments: 2 }) }),
    await estimate('failed', { ingest: poison }),
  ];
}

async function batchOf(name: string, lines: number, input: Partial<BatchInput> = {}): Promise<OtherWay> {
  const batchId = await batchIdFor(TENANT, name);
  const ready = await Promise.all(Array.from({ length: lines }, (_, index) => lineOf(name, index)));
  const rest = { shards: 1, round: 1, total: lines, invalid: 0, completed: 0, maxInFlight: 4 };
  return {
    name: `batch-${name}`,
    workflow: 'batch',
    id: batchId,
    input: {
      ...{ batchId, tenant: TENANT, input: 'i', ...rest, expiresAt: Date.now() + A_DAY },
      ...input,
    } satisfies BatchInput,
    activities: batchActivities(ready),
  };
}

async function lineOf(name: string, index: number): Promise<ReadyLine> {
  const jobId = await jobIdFor(TENANT, `${name} ${index}`);
  return {
    position: { shard: 0, entry: index },
    line: index + 1,
    jobId,
    fingerprint: 'f',
    priority: 'normal',
  };
}

function batchActivities(lines: readonly ReadyLine[]): Activities {
  const read = async ({
    from,
    limit,
  }: {
    from: LinePosition;
    limit: number;
  }): Promise<ReadBatchLinesOutput> => {
    const end = from.entry + limit;
    return {
      lines: lines.slice(from.entry, end),
      ...(end < lines.length ? { next: { shard: 0, entry: end } } : {}),
    };
  };
  const all: BatchActivities & BatchFileActivities = {
    readBatchLines: read,
    settleJobs: async ({ jobs, stop }) => jobs.map(() => (stop ? 'failed' : 'completed')),
    finishBatch: async () => ({ completed: lines.length, failed: 0, usage: NO_USAGE }),
  };
  return { ...all } as unknown as Activities; // every activity takes one object
}

async function firing(): Promise<OtherWay> {
  const scheduleId = await scheduleIdFor(TENANT, 'nightly');
  const batchId = await batchIdFor(TENANT, 'fired');
  const ready = await Promise.all([0, 1].map((index) => lineOf('fired', index)));
  const batch: BatchTemplate = {
    ...{ tenant: TENANT, fingerprint: 'f', input: 'i', inputFileId: null },
    ...{ completionWindow: '24h', shards: 1, total: 2, maxInFlight: 2 },
  };
  return {
    name: 'fire-batch-completed',
    workflow: 'fireBatch',
    id: `${scheduleId}-2026-01-01T03:00:00Z`,
    input: { scheduleId, batch } satisfies FireInput,
    activities: { ...batchActivities(ready), prepareFiring: async () => ({ batchId }) },
  };
}

async function estimate(name: string, activities: Activities): Promise<OtherWay> {
  const jobId = await jobIdFor(TENANT, `estimate ${name}`);
  return {
    name: `estimate-${name}`,
    workflow: 'estimate',
    id: `estimate-${name}`,
    input: { jobId, tenant: TENANT } satisfies EstimateInput,
    activities,
  };
}
