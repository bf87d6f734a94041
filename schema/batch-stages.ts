/** Messages between the workflow of a batch, its activities and its next run. Small, as in stages.ts. */
import type { BatchMemo, BatchStatus } from './batch.ts';
import type { BatchId, FileId, JobId } from './ids.ts';
import type { JobMemo } from './job.ts';
import type { UsageCost } from './usage-cost.ts';

/** Name of the signal that changes a running batch. */
export const BATCH_CONTROL = 'control';
export type BatchControl =
  | { readonly type: 'pause' | 'resume' }
  | { readonly type: 'limit'; readonly maxInFlight: number };

/** Identifies a batch, its lines and the current round. */
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
  /** Number of lines that have a result from earlier rounds. */
  readonly completed: number;
  readonly maxInFlight: number;
  /** Seconds after which the output and error files expire. */
  readonly outputExpiresAfter?: number;
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
  /** State of the previous run of the chain; callers never set it. */
  readonly state?: BatchState;
}

/** The workflow argument of a batch with this memo. */
export function batchInput(id: BatchId, memo: BatchMemo): BatchInput {
  const { tenant, input, shards, round, total, invalid, completed, maxInFlight, expiresAt } = memo;
  const { outputExpiresAfter } = memo;
  return {
    ...{ batchId: id, tenant, input, shards, round, total, invalid, completed, maxInFlight },
    expiresAt: expiresAt * 1000,
    ...(outputExpiresAfter === undefined ? {} : { outputExpiresAfter }),
  };
}

/** The position of a line: the number of its shard, and its index in the shard. */
export interface LinePosition {
  readonly shard: number;
  readonly entry: number;
}

export interface BatchState {
  /** First line that has not been started; absent if all have been started. */
  readonly next?: LinePosition;
  readonly completed: number;
  readonly failed: number;
  readonly maxInFlight: number;
  readonly paused: boolean;
  readonly stop?: 'cancelled' | 'expired';
  /** Lines in flight and their jobs. */
  readonly inFlight: readonly (readonly [line: number, jobId: JobId])[];
}

export interface ReadBatchLinesInput extends BatchRef {
  readonly from: LinePosition;
  readonly limit: number;
}

/** A line whose job can be started, and its position. */
export interface ReadyLine {
  readonly position: LinePosition;
  /** Number of the line, from 1. */
  readonly line: number;
  readonly jobId: JobId;
  readonly fingerprint: string;
  readonly priority: JobMemo['priority'];
  readonly type?: NonNullable<JobMemo['type']>;
  readonly customIdKey?: string;
}

export interface ReadBatchLinesOutput {
  readonly lines: readonly ReadyLine[];
  /** Position of the next line to read; absent at the end. */
  readonly next?: LinePosition;
}

export interface SettleJobsInput extends BatchRef {
  /** Why the jobs are being cancelled; absent if they are not. */
  readonly stop?: 'cancelled' | 'expired';
  readonly jobs: readonly (readonly [line: number, jobId: JobId])[];
}

/** The state of each job, in the order of the input. */
export type SettleJobsOutput = readonly ('running' | 'completed' | 'failed')[];

export interface FinishBatchInput extends BatchRef {
  /** Seconds after which the files expire. */
  readonly outputExpiresAfter?: number;
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
  /**
   * Returns the next lines without a result. Publishes the request of each line as the request of its job.
   */
  readBatchLines(input: ReadBatchLinesInput): Promise<ReadBatchLinesOutput>;
  /** Returns the states of jobs. Records the outcome of each job that has ended. */
  settleJobs(input: SettleJobsInput): Promise<SettleJobsOutput>;
}

/** Activities of the `cpu` queue. */
export interface BatchFileActivities {
  /** Publishes the output file and the error file. Each line of the batch is in exactly one of them. */
  finishBatch(input: FinishBatchInput): Promise<FinishBatchOutput>;
}

/** A job as the orchestrator reports it. */
export interface DescribedJob {
  readonly state: 'running' | 'completed' | 'failed' | 'cancelled' | 'timed_out';
  readonly memo: JobMemo;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly closedAt: string | undefined;
}
