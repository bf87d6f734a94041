/**
 * The port to the durable execution of jobs. `test/temporal/orchestrator-contract.ts` is the contract of its
 * adapters.
 */

import type { JobId } from '../schema/ids.ts';
import type { EarlierResult, JobMemo, JobStatus } from '../schema/job.ts';
import type { SummaryRequest } from '../schema/request.ts';
import type { UsageCost } from '../schema/usage-cost.ts';
import type { BatchOrchestrator } from './batch-orchestrator.ts';
import type { EstimateOrchestrator } from './estimate-orchestrator.ts';
import type { ScheduleOrchestrator } from './schedule-orchestrator.ts';

/** What the orchestrator knows of a job: its latest run. */
export interface JobRecord {
  readonly id: JobId;
  /** Identifies the run of the job. Part of the names of its artifacts. */
  readonly run: string;
  /**
   * `cancelling`: running, with a cancellation requested. All states but `running` and `cancelling` are
   * final.
   */
  readonly state:
    | 'running'
    | 'cancelling'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'terminated'
    | 'timed_out';
  readonly memo: JobMemo;
  /** It has queued work, none of which a worker has started. Absent in lists. */
  readonly isWaiting?: true;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly closedAt?: string;
}

/** A job to start. */
export interface StartInput {
  readonly jobId: JobId;
  readonly memo: JobMemo;
  /**
   * What the id is derived from. A job with an `idempotency` key runs once, whatever its outcome. A job
   * identified by its `content` runs again if it failed or was cancelled.
   */
  readonly key: 'idempotency' | 'content';
}

/** The backlog of the GPU queue. */
export interface GpuBacklog {
  /** Waiting tasks of the job's priority and above. */
  readonly tasks: number;
  /** Recent rate of dispatched tasks. */
  readonly tasksPerSecond: number;
}

export interface TenantUsageInput {
  readonly tenant: string;
  /** Start of the period, inclusive, RFC 3339. */
  readonly from: string;
  /** End of the period, exclusive, RFC 3339. */
  readonly until: string;
}

/** What quotas compare with their limits. */
export interface AdmissionUsage {
  /** Jobs that have not ended, without lines of batches. */
  readonly unfinished: number;
  /** Seconds of video that the runs of the period processed. */
  readonly videoSeconds: number;
}

/** A page of a list. */
export interface ListInput {
  readonly tenant: string;
  readonly limit: number;
  /** `nextCursor` of the previous page. */
  readonly cursor?: string;
  readonly status?: JobStatus;
  /** Type of the source. */
  readonly type?: SummaryRequest['source']['type'];
  readonly customIdKey?: string;
  /** Both are exclusive, in milliseconds since the epoch. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
}

/**
 * Starts and manages jobs. All methods but `ready` throw FrameloomError `unavailable` when the orchestrator
 * is unavailable.
 */
export interface Orchestrator {
  /**
   * Starts the job, or returns the existing job with its id. The memo contains the fingerprint of the request
   * of that job.
   */
  start(input: StartInput): Promise<JobRecord>;
  /** Returns the latest run of a job, or undefined for an unknown or deleted job. */
  describe(id: JobId): Promise<JobRecord | undefined>;
  /**
   * Starts another run of an ended job, with `retryMemo`, and returns its record. Where a later run than
   * `ended` exists, it is returned instead, so concurrent equal calls start one run.
   */
  retry(ended: JobRecord): Promise<JobRecord>;
  /**
   * Returns one page of a tenant's jobs, by their creation, newest first. Eventually consistent: for display
   * only. A page may be shorter than `limit`; the last one has no cursor. Throws `invalid_request` for an
   * invalid cursor.
   */
  list(input: ListInput): Promise<{ readonly records: readonly JobRecord[]; readonly nextCursor?: string }>;
  /**
   * Number of unfinished jobs of a higher priority, or of the same and started earlier. Eventually
   * consistent.
   */
  queuePosition(record: JobRecord): Promise<number>;
  /** Returns the GPU tasks that wait with the priority of a job or a higher one. Eventually consistent. */
  gpuBacklog(record: JobRecord): Promise<GpuBacklog>;
  /** Returns what quotas need, with one list query. Eventually consistent. */
  admissionUsage(input: TenantUsageInput): Promise<AdmissionUsage>;
  /**
   * What runs of a tenant's jobs have cost, whether they have ended or not: each run of a job that was
   * retried counts. May lag behind.
   */
  tenantUsage(input: TenantUsageInput): Promise<{ readonly jobs: number; readonly usage: UsageCost }>;
  /** Number of a tenant's jobs that have not ended, without lines of batches. Eventually consistent. */
  unfinished(tenant: string): Promise<number>;
  /** Requests the cancellation of a running job. Does nothing if it does not run. */
  cancel(id: JobId): Promise<void>;
  /**
   * Deletes a job: `describe` no longer returns it. Ends it if it runs. Keeps what it has used, for `tenantUsage`.
   * May be repeated after a failure.
   */
  delete(id: JobId): Promise<void>;
  readonly batches: BatchOrchestrator;
  readonly estimates: EstimateOrchestrator;
  /** Absent where the adapter does not support schedules. */
  readonly schedules?: ScheduleOrchestrator;
  /** Returns whether jobs can be started now. Never throws. */
  ready(): Promise<boolean>;
}

/** Whether the state of the job is final. */
export function isClosed(record: JobRecord): boolean {
  return record.state !== 'running' && record.state !== 'cancelling';
}

/**
 * Returns the current result of a job: that of its run, or that of the run before a retry without a result.
 */
export function standingResult({ run, memo }: JobRecord): EarlierResult | undefined {
  const { result, ledger } = memo.outcome ?? {};
  if (!result) return memo.earlier;
  return { run, result, ...(ledger === undefined ? {} : { ledger }) };
}

/** Returns the memo of a retry of `ended` that is created at `createdAt`, RFC 3339. */
export function retryMemo(ended: JobRecord, createdAt: string): JobMemo {
  const { tenant, fingerprint, priority, type, customIdKey } = ended.memo;
  const earlier = standingResult(ended);
  const labels = { ...(type && { type }), ...(customIdKey !== undefined && { customIdKey }) };
  return {
    tenant,
    fingerprint,
    priority,
    ...labels,
    createdAt,
    retryOf: ended.run,
    ...(earlier ? { earlier } : {}),
  };
}

/** Statistics of a task queue. */
export interface QueueStats {
  readonly queue: string;
  /** Approximate number of tasks that no worker has started. */
  readonly waiting: number;
  /** Age of the oldest waiting task. */
  readonly oldestSeconds: number;
}

/** The status of a job, from its memo and the state of its run. */
export function statusOf({ memo, state }: JobRecord): JobStatus {
  if (memo.outcome) return memo.outcome.status;
  switch (state) {
    case 'running':
      return memo.startedAt === undefined ? 'queued' : 'processing';
    case 'cancelling':
      return 'cancelling';
    case 'cancelled':
    case 'terminated':
      return 'cancelled';
    case 'completed':
    case 'failed':
    case 'timed_out':
      return 'failed';
    default:
      throw new TypeError(`not a state: ${state satisfies never}`);
  }
}
