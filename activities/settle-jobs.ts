/**
 * Stores the outcomes of the jobs of a batch. It describes the jobs itself, so that it also finds jobs that
 * were terminated or that timed out. The first outcome of a line in a round is final.
 */

import { ERRORS, jobError } from '../core/errors.ts';
import { unfinishedLineError } from '../schema/batch.ts';
import { type BatchOutcome, OUTCOME_VERSION } from '../schema/batch-output.ts';
import type { BatchActivities, DescribedJob, SettleJobsInput } from '../schema/batch-stages.ts';
import type { JobId } from '../schema/ids.ts';
import type { Job, JobError, JobStatus } from '../schema/job.ts';
import type { SummaryRequest } from '../schema/request.ts';
import { REQUEST_VERSION, type StoredRequest } from '../schema/stored-request.ts';
import { toUsage } from '../schema/usage.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { batchOutcomeName, requestName } from '../store/names.ts';
import { findVersioned, putJson } from './lib/index.ts';

export interface SettleDeps {
  readonly store: ArtifactStore;
  /** Returns undefined for an unknown job. */
  readonly describeJob: (id: JobId) => Promise<DescribedJob | undefined>;
}

/** Jobs that are settled at the same time. */
const MAX_CONCURRENT_JOBS = 10;

export function createSettleJobs({ store, describeJob }: SettleDeps): BatchActivities['settleJobs'] {
  return async ({ jobs, ...ref }) => {
    const ends: ('running' | 'completed' | 'failed')[] = [];
    for (let first = 0; first < jobs.length; first += MAX_CONCURRENT_JOBS) {
      const some = jobs.slice(first, first + MAX_CONCURRENT_JOBS);
      ends.push(...(await Promise.all(some.map((job) => settle(ref, job)))));
    }
    return ends;
  };

  async function settle(
    { batchId, round, stop }: Omit<SettleJobsInput, 'jobs'>,
    [line, jobId]: SettleJobsInput['jobs'][number],
  ): Promise<'running' | 'completed' | 'failed'> {
    const name = batchOutcomeName(batchId, line, round);
    const known = await findVersioned<BatchOutcome>(store, name, OUTCOME_VERSION);
    if (known) return known.ok ? 'completed' : 'failed';
    const seen = await describeJob(jobId);
    if (seen?.state === 'running') return 'running';
    const stored = seen && (await findVersioned<StoredRequest>(store, requestName(jobId), REQUEST_VERSION));
    await putJson(store, name, outcomeOf(jobId, seen, stored?.request, stop));
    const stands = await findVersioned<BatchOutcome>(store, name, OUTCOME_VERSION);
    return stands?.ok ? 'completed' : 'failed';
  }
}

function outcomeOf(
  id: JobId,
  seen: DescribedJob | undefined,
  request: SummaryRequest | undefined,
  stop: SettleJobsInput['stop'],
): BatchOutcome {
  if (!seen || !request)
    return {
      version: OUTCOME_VERSION,
      ok: false,
      job: null,
      error: { code: 'not_found', message: 'The job was deleted.' },
    };
  const { outcome } = seen.memo;
  const ok = outcome?.status === 'completed' || outcome?.status === 'completed_with_gaps';
  const error = ok ? undefined : errorOf(seen, stop);
  return {
    version: OUTCOME_VERSION,
    ok,
    job: jobOf(id, seen, request, error),
    ...(outcome?.result ? { result: outcome.result.name } : {}),
    ...(outcome?.ledger === undefined ? {} : { ledger: outcome.ledger }),
    ...(error ? { error: { code: error.code, message: error.message } } : {}),
  };
}

/** Returns why a job has no result: its own error, or one derived from its state. */
function errorOf({ state, memo }: DescribedJob, stop: SettleJobsInput['stop']): JobError {
  if (memo.outcome?.error) return memo.outcome.error;
  if (state === 'cancelled') {
    return stop === 'expired'
      ? unfinishedLineError('expired')
      : jobError('batch_cancelled', 'The job was cancelled.');
  }
  if (state === 'timed_out') return jobError('timeout', ERRORS.timeout.title);
  return jobError('internal', 'The job ended without an error.');
}

function jobOf(
  id: JobId,
  { state, memo, createdAt, closedAt }: DescribedJob,
  request: SummaryRequest,
  error: JobError | undefined,
): Job {
  const { outcome, startedAt } = memo;
  const status: JobStatus = outcome?.status ?? (state === 'cancelled' ? 'cancelled' : 'failed');
  return {
    id,
    object: 'summary',
    custom_id: request.custom_id ?? null,
    metadata: request.metadata ?? {},
    status,
    progress: memo.progress ?? {
      percent: 0,
      stage: 'waiting',
      segments: { total: 0, done: 0, failed: 0 },
    },
    request,
    result: null,
    result_sha256: outcome?.result?.sha256 ?? null,
    ledger: null,
    usage: memo.usage ? toUsage(memo.usage) : null,
    error: status === 'cancelled' ? null : (error ?? null),
    created_at: createdAt,
    started_at: startedAt ?? null,
    completed_at: closedAt ?? null,
  };
}
