/** The port to whatever runs jobs durably. Temporal over gRPC is the first adapter; `test/temporal/orchestrator-contract.ts` says what each must do. */

import type { JobId } from '../schema/ids.ts';
import type { EarlierResult, JobMemo } from '../schema/job.ts';
import type { UsageCost } from '../schema/usage-cost.ts';
import type { BatchOrchestrator } from './batch-orchestrator.ts';
import type { EstimateOrchestrator } from './estimate-orchestrator.ts';
import type { ScheduleOrchestrator } from './schedule-orchestrator.ts';

export interface JobRecord {
  readonly id: JobId;
  /** Which run of the job this is: part of the names of all its artifacts. */
  readonly run: string;
  /** `cancelling` is a running job whose cancellation was asked for. All but these two are closed for good. */
  readonly state:
    | 'running'
    | 'cancelling'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'terminated'
    | 'timed_out';
  readonly memo: JobMemo;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly closedAt?: string;
}

export interface StartInput {
  readonly jobId: JobId;
  readonly memo: JobMemo;
  /**
   * What the id was made from. Under an `idempotency` key a job runs once, whatever came of it. Under its `content` a
   * job that failed or was cancelled is run again.
   */
  readonly key: 'idempotency' | 'content';
}

/** How much work waits for the GPU workers. */
export interface GpuBacklog {
  /** Tasks that wait at the job's priority and above. */
  readonly tasks: number;
  /** Tasks started per second, lately; 0 where none was. */
  readonly tasksPerSecond: number;
}

export interface TenantUsageInput {
  readonly tenant: string;
  /** Runs of jobs that began from here on, RFC 3339 … */
  readonly from: string;
  /** … and before here. */
  readonly until: string;
}

export interface AdmissionUsage {
  /** Jobs that have not ended, lines of batches left out. */
  readonly unfinished: number;
  /** Video that runs of the given time have used. */
  readonly videoSeconds: number;
}

export interface ListInput {
  readonly tenant: string;
  readonly limit: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

/** All of these throw `unavailable` when the orchestrator does not answer. */
export interface Orchestrator {
  /** Starts the job or finds the one that has its id; the record tells which request it was started with. */
  start(input: StartInput): Promise<JobRecord>;
  describe(id: JobId): Promise<JobRecord | undefined>;
  /**
   * Runs an ended job once more, as a new run with `memoOfRetry`, and answers that run's record. Where another run has followed
   * `ended` already, it is answered instead, so that equal calls at once make one run.
   */
  retry(ended: JobRecord): Promise<JobRecord>;
  /**
   * One page of a tenant's jobs, newest first. May lag behind `start` by moments; nothing may be decided by it.
   * Throws `invalid_request` for a cursor that is none.
   */
  list(input: ListInput): Promise<{ readonly records: readonly JobRecord[]; readonly nextCursor?: string }>;
  /** Unfinished jobs that precede a running job: of a higher priority, or of the same and started before. May lag behind. */
  queuePosition(record: JobRecord): Promise<number>;
  /** What waits for the GPU workers besides and before a job. May lag behind. */
  gpuBacklog(record: JobRecord): Promise<GpuBacklog>;
  /** What decides whether a tenant may start another job, by one listing. May lag behind. */
  admissionUsage(input: TenantUsageInput): Promise<AdmissionUsage>;
  /** What runs of a tenant's jobs have cost, whether they have ended or not: each run of a job that was retried counts. May lag behind. */
  tenantUsage(input: TenantUsageInput): Promise<{ readonly jobs: number; readonly usage: UsageCost }>;
  /** How many of a tenant's jobs have not ended, lines of batches left out. May lag behind. */
  unfinished(tenant: string): Promise<number>;
  /** Asks a running job to stop. Nothing happens where none runs. */
  cancel(id: JobId): Promise<void>;
  /** Forgets a closed job; `describe` does not find it afterwards. Throws `job_running` while it runs. */
  delete(id: JobId): Promise<void>;
  readonly batches: BatchOrchestrator;
  readonly estimates: EstimateOrchestrator;
  /** Absent where schedules cannot be kept. */
  readonly schedules?: ScheduleOrchestrator;
  /** Whether jobs can be started now. Never throws. */
  ready(): Promise<boolean>;
}

/** Whether nothing can happen to the job any more. */
export function isClosed(record: JobRecord): boolean {
  return record.state !== 'running' && record.state !== 'cancelling';
}

/** The result that stands for a job: its run's own, or the one of the run before a retry that has made none. */
export function standingResult({ run, memo }: JobRecord): EarlierResult | undefined {
  const { result, ledger } = memo.outcome ?? {};
  if (!result) return memo.earlier;
  return { run, result, ...(ledger === undefined ? {} : { ledger }) };
}

/** The memo with which the run after `ended` begins at `createdAt`, RFC 3339. */
export function retryMemo(ended: JobRecord, createdAt: string): JobMemo {
  const { tenant, fingerprint, priority } = ended.memo;
  const earlier = standingResult(ended);
  return { tenant, fingerprint, priority, createdAt, retryOf: ended.run, ...(earlier ? { earlier } : {}) };
}

/** What waits in a task queue. */
export interface QueueStats {
  readonly queue: string;
  /** Tasks that no worker has taken yet; approximate. */
  readonly waiting: number;
  /** Age of the oldest of them. */
  readonly oldestSeconds: number;
}
