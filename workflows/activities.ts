/**
 * The activities as workflows call them: which queue, how long, how often. Failures carry the codes of core/errors.ts; the
 * activity decides which of them may be tried again.
 */
import { type ActivityOptions, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { CpuActivities, GpuActivities, WorkflowActivities } from '../schema/activities.ts';
import type { ScheduleActivities } from '../schema/batch-schedule.ts';
import type { BatchActivities, BatchFileActivities } from '../schema/batch-stages.ts';
import type { EstimateActivities } from '../schema/estimate.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';

/**
 * A worker that is lost is noticed after this time. Beats go out every second (activities/lib/heartbeat.ts, and the workers' throttle), so that one
 * may be 5 s late before work is taken from a worker that is alive.
 */
const HEARTBEAT_TIMEOUT = 6000;

/** When the last local activity of this workflow has ended. */
let turn: Promise<unknown> = Promise.resolve();

/** Those that reach out for a source: one that is unreachable may come back, what stays so for five minutes is the job's failure. */
export const source = proxyActivities<Pick<CpuActivities, 'ingest' | 'readTranscript'>>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '2h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 10 },
});

/**
 * Those that only need workers and the store. A full disk, or a store that is away, has a quarter of an hour to come back: what is done by
 * then is not thrown away.
 */
const FOR_CPU: ActivityOptions = {
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 20 },
};
export const cpu = proxyActivities<Omit<CpuActivities, 'ingest' | 'readTranscript' | 'finish'>>(FOR_CPU);

/**
 * Stitches a job of so many segments, which is one piece of computing without a beat: 0.1 ms a segment on a quiet machine, for which it is
 * given ten times as long.
 */
export const finishing = (segments: number): Pick<CpuActivities, 'finish'> =>
  proxyActivities<Pick<CpuActivities, 'finish'>>({
    ...FOR_CPU,
    heartbeatTimeout: HEARTBEAT_TIMEOUT + segments,
  });

export const gpu = proxyActivities<GpuActivities>({
  taskQueue: TASK_QUEUES.gpu,
  startToCloseTimeout: '1h',
  // No limit on attempts: every preemption is one. The time from first schedule to the end is limited instead.
  scheduleToCloseTimeout: '24h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '30s' },
});

export const costs = proxyActivities<EstimateActivities>(FOR_CPU);

const forJobs = proxyLocalActivities<WorkflowActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
/** Local to the worker that runs the workflow: they cost a history one event each, whatever they are given. */
export const local: WorkflowActivities = {
  appendEvents: inTurn(forJobs.appendEvents),
  storeShard: inTurn(forJobs.storeShard),
};

const forBatches = proxyLocalActivities<BatchActivities>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
/** Tried without end: a batch waits for a store that is away. */
export const batchLocal: BatchActivities = {
  readBatchLines: inTurn(forBatches.readBatchLines),
  settleJobs: inTurn(forBatches.settleJobs),
};

export const batchFiles = proxyActivities<BatchFileActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '2h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Tried for as long as a firing is worth it. */
export const schedules = proxyActivities<ScheduleActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '1d',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * Lets local activities run one after the other. Of those that run beside each other a first run gets the results one by one, a replay
 * all at once: what follows then comes in another order, and the replay fails.
 */
function inTurn<I, O>(work: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return (input) => {
    const result = turn.then(() => work(input));
    turn = result.catch(() => undefined);
    return result;
  };
}
