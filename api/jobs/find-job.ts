import { FrameloomError } from '../../core/errors.ts';
import type { JobId } from '../../schema/ids.ts';
import { isFinalStatus } from '../../schema/job.ts';
import { isClosed, type JobRecord, type Orchestrator } from '../../temporal/orchestrator.ts';
import type { ApiDeps } from '../app/index.ts';
import { statusOf } from './job-view.ts';

/** Time between two looks at a job somebody waits for, in milliseconds. */
const WAIT_INTERVAL = 250;

/** The record of a tenant's job. Throws `not_found`, for jobs of other tenants as well. */
export async function findJob(orchestrator: Orchestrator, tenant: string, id: JobId): Promise<JobRecord> {
  const record = await orchestrator.describe(id);
  if (record?.memo.tenant !== tenant) {
    throw new FrameloomError('not_found', 'There is no job with this id.');
  }
  return record;
}

/** Longest wait for a run that has its outcome to close, in milliseconds. */
const CLOSING = 5000;
const CLOSING_INTERVAL = 50;

/** The record once its run has closed, where the job is final: the run writes its last event after its outcome. */
export async function settled({ orchestrator, clock }: ApiDeps, record: JobRecord): Promise<JobRecord> {
  let latest = record;
  for (
    const until = clock.now() + CLOSING;
    !isClosed(latest) && isFinalStatus(statusOf(latest)) && clock.now() < until;
  ) {
    await clock.sleep(CLOSING_INTERVAL);
    latest = (await orchestrator.describe(record.id)) ?? latest;
  }
  return latest;
}

/** The job once it is final, or as it stands after `milliseconds` or when the client has gone. */
export async function waitForJob(
  { orchestrator, clock, closing, pace }: ApiDeps,
  start: JobRecord,
  milliseconds: number,
  signal: AbortSignal,
): Promise<JobRecord> {
  const until = clock.now() + milliseconds;
  const stop = closing ? AbortSignal.any([signal, closing]) : signal;
  let record = start;
  while (!isFinalStatus(statusOf(record)) && clock.now() < until && !stop.aborted) {
    await clock.sleep(Math.min(pace?.look ?? WAIT_INTERVAL, until - clock.now()), stop);
    record = (await orchestrator.describe(start.id)) ?? record;
  }
  return record;
}
