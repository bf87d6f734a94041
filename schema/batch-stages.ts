/** What travels between the workflow of a batch, its activities and its next run. Small, as in stages.ts. */
import type { BatchMemo, BatchStatus } from './batch.ts';
import type { BatchId, FileId, JobId } from './ids.ts';
import type { JobMemo } from './job.ts';
import type { UsageCost } from './usage-cost.ts';

/** What can be said to a running batch, by a signal of this name. */
export const BATCH_CONTROL = 'control';
export type BatchControl =
  | { readonly type: 'pause' | 'resume' }
  | { readonly type: 'limit'; readonly maxInFlight: number };

/** Which lines a batch has, and which round of it this is. */
export interface BatchRef {
  readonly batchId: BatchId;
  readonly tenant: string;
  readonly input: string;
  readonly shards: number;
  readonly round: number;
}

/** The argument of the `batch` workflow. */
export interface BatchInput extends BatchRef {
  readonly total: number;
  readonly invalid: number;
  /** Lines that have a result from rounds before. */
  readonly completed: number;
  readonly maxInFlight: number;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** Where the run before left off; callers never set it. */
  readonly state?: BatchState;
}

/** The argument for a batch with this memo. */
export function batchInput(id: BatchId, memo: BatchMemo): BatchInput {
  const { tenant, input, shards, round, total, invalid, completed, maxInFlight, expiresAt } = memo;
  return {
    ...{ batchId: id, tenant, input, shards, round, total, invalid, completed, maxInFlight },
    expiresAt: expiresAt * 1000,
  };
}

/** A place among the lines: shard, and entry of it. */
export interface LinePosition {
  readonly shard: number;
  readonly entry: number;
}

export interface BatchState {
  /** First line that is not yet begun; absent when all are. */
  readonly next?: LinePosition;
  readonly completed: number;
  readonly failed: number;
  readonly maxInFlight: number;
  readonly paused: boolean;
  readonly stop?: 'cancelled' | 'expired';
  /** Lines under way and their jobs. */
  readonly inFlight: readonly (readonly [line: number, jobId: JobId])[];
}

export interface ReadBatchLinesInput extends BatchRef {
  readonly from: LinePosition;
  readonly limit: number;
}

/** A line whose job is to be run, and its place. */
export interface ReadyLine {
  readonly position: LinePosition;
  /** From 1. */
  readonly line: number;
  readonly jobId: JobId;
  readonly fingerprint: string;
  readonly priority: JobMemo['priority'];
}

export interface ReadBatchLinesOutput {
  readonly lines: readonly ReadyLine[];
  /** Where to go on; absent at the end. */
  readonly next?: LinePosition;
}

export interface SettleJobsInput extends BatchRef {
  /** Why jobs are being cancelled, where they are. */
  readonly stop?: 'cancelled' | 'expired';
  readonly jobs: readonly (readonly [line: number, jobId: JobId])[];
}

/** Of each job, in order. */
export type SettleJobsOutput = readonly ('running' | 'completed' | 'failed')[];

export interface FinishBatchInput extends BatchRef {
  readonly status: BatchStatus;
}

export interface FinishBatchOutput {
  readonly completed: number;
  readonly failed: number;
  readonly usage: UsageCost;
  readonly outputFileId?: FileId;
  readonly errorFileId?: FileId;
}

/** Local activities of the `workflow` queue. */
export interface BatchActivities {
  /** The next lines that have no result yet. Publishes the request of each as that of its job. */
  readBatchLines(input: ReadBatchLinesInput): Promise<ReadBatchLinesOutput>;
  /** Looks at jobs, and writes down what became of those that have ended, however they did. */
  settleJobs(input: SettleJobsInput): Promise<SettleJobsOutput>;
}

/** Activities of the `cpu` queue. */
export interface BatchFileActivities {
  /** Publishes output and error file, which together have each line once. */
  finishBatch(input: FinishBatchInput): Promise<FinishBatchOutput>;
}

/** A job as the orchestrator knows it. */
export interface DescribedJob {
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled' | 'timed_out';
  readonly memo: JobMemo;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly closedAt: string | undefined;
}
