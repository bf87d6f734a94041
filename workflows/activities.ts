/**
 * The activities as workflows call them: queue, timeouts and retries. Failures have the codes of
 * core/errors.ts, which also decide whether an activity is retried.
 */
import { type ActivityOptions, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import {
  type CpuActivities,
  type GpuActivities,
  SOURCE_ATTEMPTS,
  type WorkflowActivities,
} from '../schema/activities.ts';
import type { ScheduleActivities } from '../schema/batch-schedule.ts';
import type { BatchActivities, BatchFileActivities } from '../schema/batch-stages.ts';
import type { EstimateActivities } from '../schema/estimate.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import { inTurns } from './turns.ts';

/**
 * A lost worker is detected after this time. Heartbeats are sent every second (activities/lib/heartbeat.ts,
 * and the throttle of the workers), so a heartbeat can be 5 s late before the activity is retried on another
 * worker.
 */
const HEARTBEAT_TIMEOUT_MS = 6000;

/** Settles when the last local activity of this workflow has ended. */
let lastLocal: Promise<unknown> = Promise.resolve();

/** One that is unreachable for five minutes fails the job. */
const SOURCE_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '2h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: {
    initialInterval: '1s',
    backoffCoefficient: 2,
    maximumInterval: '1m',
    maximumAttempts: SOURCE_ATTEMPTS,
  },
};
/** Activities that fetch a source. */
export const source: Pick<CpuActivities, 'ingest' | 'readTranscript'> = {
  ingest: proxyActivities<Pick<CpuActivities, 'ingest'>>(SOURCE_OPTIONS).ingest,
  readTranscript: proxyActivities<Pick<CpuActivities, 'readTranscript'>>({
    ...SOURCE_OPTIONS,
    taskQueue: TASK_QUEUES.decode,
  }).readTranscript,
};

/**
 * Activities that need workers and the store only. A full disk or an unavailable store has a quarter of an
 * hour to recover.
 */
const CPU_OPTIONS: ActivityOptions = {
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 20 },
};
export const cpu =
  inTurns<Omit<CpuActivities, 'ingest' | 'readTranscript' | 'finish' | 'extractFrames'>>(CPU_OPTIONS);

const slides = inTurns<Pick<CpuActivities, 'extractFrames'>>(CPU_OPTIONS);
const videos = inTurns<Pick<CpuActivities, 'extractFrames'>>({
  ...CPU_OPTIONS,
  taskQueue: TASK_QUEUES.decode,
});
/** `extractFrames`: decoding a span of a video takes up to minutes, slides and images take seconds. */
export const extractFrames: CpuActivities['extractFrames'] = (input) =>
  (input.span.kind === 'video' ? videos : slides).extractFrames(input);

/**
 * `finish` of a job with this number of segments. It computes without a heartbeat, 0.1 ms a segment on a
 * quiet machine; the timeout allows ten times as long.
 */
export const finishOf = (segments: number): Pick<CpuActivities, 'finish'> =>
  proxyActivities<Pick<CpuActivities, 'finish'>>({
    ...CPU_OPTIONS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS + segments,
  });

export const gpu = inTurns<GpuActivities>({
  taskQueue: TASK_QUEUES.gpu,
  startToCloseTimeout: '1h',
  // No limit on attempts: every preemption is one. The time from first schedule to the end is limited
  // instead.
  scheduleToCloseTimeout: '24h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '1s', backoffCoefficient: 1.5, maximumInterval: '30s' },
});

export const costs = proxyActivities<EstimateActivities>(CPU_OPTIONS);

const forJobs = proxyLocalActivities<Omit<WorkflowActivities, 'planMerges'>>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
const planning = proxyLocalActivities<Pick<WorkflowActivities, 'planMerges'>>({
  startToCloseTimeout: '5m',
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '200ms', maximumInterval: '1m', maximumAttempts: 20 },
});
/** Local activities run in the worker of the workflow, without a task; each adds one event to the history. */
export const local: WorkflowActivities = {
  appendEvents: inOrder(forJobs.appendEvents),
  storeShard: inOrder(forJobs.storeShard),
  planMerges: inOrder(planning.planMerges),
};

const forBatches = proxyLocalActivities<BatchActivities>({
  startToCloseTimeout: '1m',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
/** Retried without limit: a batch waits for an unavailable store. */
export const batchLocal: BatchActivities = {
  readBatchLines: inOrder(forBatches.readBatchLines),
  settleJobs: inOrder(forBatches.settleJobs),
};

export const batchFiles = proxyActivities<BatchFileActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '2h',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/** Retried for a day, after which the firing is skipped. */
export const schedules = proxyActivities<ScheduleActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '30m',
  scheduleToCloseTimeout: '1d',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
});

/**
 * Runs local activities one after the other. The results of concurrent ones arrive one by one in the first
 * run, but all at once in a replay: the commands that follow would have another order, and the replay would
 * fail.
 */
function inOrder<I, O>(work: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return (input) => {
    const result = lastLocal.then(() => work(input));
    lastLocal = result.catch(() => undefined);
    return result;
  };
}
