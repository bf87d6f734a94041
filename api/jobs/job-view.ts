/** Builds the job object of the API from the records of the orchestrator and the store. */
import { ERRORS, jobError } from '../../core/errors.ts';
import type { Job, JobError, Ledger, Progress } from '../../schema/job.ts';
import type { SummaryRequest } from '../../schema/request.ts';
import type { SummaryResult } from '../../schema/result.ts';
import { REQUEST_VERSION, type StoredRequest } from '../../schema/stored-request.ts';
import { toUsage } from '../../schema/usage.ts';
import { requireVersion } from '../../schema/versioned.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { requestName } from '../../store/names.ts';
import { isClosed, type JobRecord, standingResult, statusOf } from '../../temporal/orchestrator.ts';

/** The progress of a job that no worker has started. */
export const NO_PROGRESS: Progress = {
  percent: 0,
  stage: 'waiting',
  segments: { total: 0, done: 0, failed: 0 },
};

/** The job without its result and ledger, as in lists. */
export function jobView(record: JobRecord, request: SummaryRequest): Job {
  const { memo } = record;
  const closed = isClosed(record);
  return {
    id: record.id,
    object: 'summary',
    custom_id: request.custom_id ?? null,
    metadata: request.metadata ?? {},
    status: statusOf(record),
    progress: progressOf(record),
    request,
    result: null,
    result_sha256: standingResult(record)?.result.sha256 ?? null,
    ledger: null,
    usage: memo.usage ? toUsage(memo.usage) : null,
    error: errorOf(record),
    created_at: record.createdAt,
    started_at: memo.startedAt ?? null,
    completed_at: closed ? (record.closedAt ?? null) : null,
  };
}

/** The progress of the job: `waiting` while none of its queued work has started. */
export function progressOf({ memo, state, isWaiting }: JobRecord): Progress {
  const progress = memo.progress ?? NO_PROGRESS;
  return isWaiting && state === 'running' ? { ...progress, stage: 'waiting' } : progress;
}

/** The job with its result and ledger, if they exist. Throws StoreError. */
export async function fullJobView(record: JobRecord, store: BlobStore): Promise<Job> {
  const standing = standingResult(record);
  const name = requestName(record.id);
  const [stored, result, ledger] = await Promise.all([
    readJson(store, name),
    standing && readJson(store, standing.result.name),
    standing?.ledger && readJson(store, standing.ledger),
  ]);
  const { request } = requireVersion<StoredRequest>(stored, REQUEST_VERSION, name);
  return {
    ...jobView(record, request),
    // Both were written by the job from these types and are verified by hash.
    result: (result as SummaryResult | undefined) ?? null,
    ledger: (ledger as Ledger | undefined) ?? null,
  };
}

/** The parsed content of a JSON artifact. Throws StoreError. */
export async function readJson(store: BlobStore, name: string): Promise<unknown> {
  return JSON.parse(new TextDecoder().decode(await store.bytes(name)));
}

/** The recorded error of the job. If there is none, it is derived from how the job ended. */
function errorOf(record: JobRecord): JobError | null {
  if (record.memo.outcome) return record.memo.outcome.error ?? null;
  if (statusOf(record) !== 'failed') return null;
  if (record.state === 'timed_out') return jobError('timeout', ERRORS.timeout.title);
  return jobError('internal', 'The job ended without reporting an error.');
}
