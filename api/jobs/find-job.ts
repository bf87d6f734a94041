import { FrameloomError } from '../../core/errors.ts';
import type { JobId } from '../../schema/ids.ts';
import { isFinalStatus } from '../../schema/job.ts';
import { isClosed, type JobRecord, type Orchestrator, statusOf } from '../../temporal/orchestrator.ts';
import type { ApiDeps } from '../app/index.ts';

/** How often the job is read while a request waits for it. */
const JOB_POLL_MS = 250;

/**
 * Returns the record of a tenant's job.
 *
 * @throws FrameloomError `not_found`, also for jobs of other tenants
 */
export async function findJob(orchestrator: Orchestrator, tenant: string, id: JobId): Promise<JobRecord> {
  const record = await orchestrator.describe(id);
  if (record?.memo.tenant !== tenant) {
    throw new FrameloomError('not_found', 'No such job.');
  }
  return record;
}

/** How long to wait for a run to close after it has recorded its outcome. */
const CLOSE_TIMEOUT_MS = 5000;
const CLOSE_POLL_MS = 50;

/** Waits until the run of a job that has ended is closed: a run writes its last event after its outcome. */
export async function waitUntilClosed(
  { orchestrator, clock }: ApiDeps,
  record: JobRecord,
): Promise<JobRecord> {
  let latest = record;
  for (
    const until = clock.now() + CLOSE_TIMEOUT_MS;
    !isClosed(latest) && isFinalStatus(statusOf(latest)) && clock.now() < until;
  ) {
    await clock.sleep(CLOSE_POLL_MS);
    latest = (await orchestrator.describe(record.id)) ?? latest;
  }
  return latest;
}

/** Returns the job when it has ended, after `milliseconds`, or when the client disconnects. */
export async function waitForJob(
  { orchestrator, clock, closing, streamTiming }: ApiDeps,
  start: JobRecord,
  milliseconds: number,
  signal: AbortSignal,
): Promise<JobRecord> {
  const until = clock.now() + milliseconds;
  const stop = closing ? AbortSignal.any([signal, closing]) : signal;
  let record = start;
  while (!isFinalStatus(statusOf(record)) && clock.now() < until && !stop.aborted) {
    await clock.sleep(Math.min(streamTiming?.pollIntervalMs ?? JOB_POLL_MS, until - clock.now()), stop);
    record = (await orchestrator.describe(start.id)) ?? record;
  }
  return record;
}
