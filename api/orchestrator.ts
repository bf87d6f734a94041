/** The port to whatever runs jobs durably. Temporal over gRPC is the first adapter; `test/api/orchestrator-contract.ts` says what each must do. */
import type { JobId } from '../schema/ids.ts';
import type { JobMemo } from '../schema/job.ts';

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
   * One page of a tenant's jobs, newest first. May lag behind `start` by moments; nothing may be decided by it.
   * Throws `invalid_request` for a cursor that is none.
   */
  list(input: ListInput): Promise<{ readonly records: readonly JobRecord[]; readonly nextCursor?: string }>;
  /** Asks a running job to stop. Nothing happens where none runs. */
  cancel(id: JobId): Promise<void>;
  /** Forgets a closed job; `describe` does not find it afterwards. Throws `job_running` while it runs. */
  delete(id: JobId): Promise<void>;
  /** Whether jobs can be started now. Never throws. */
  ready(): Promise<boolean>;
}

/** Whether nothing can happen to the job any more. */
export function isClosed(record: JobRecord): boolean {
  return record.state !== 'running' && record.state !== 'cancelling';
}
