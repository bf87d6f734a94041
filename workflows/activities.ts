/**
 * The activities as workflows call them: which queue, how long, how often. Failures carry the codes of schema/errors.ts; the
 * activity decides which of them may be tried again.
 */
import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { CpuActivities, GpuActivities, WorkflowActivities } from '../schema/stages.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';

/** A worker that is lost is noticed after this time. */
const HEARTBEAT_TIMEOUT = '10s';

export const cpu = proxyActivities<CpuActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '30m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT,
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  // A source that is unreachable, or a full disk, may come back; what stays broken for ten tries is the job's failure.
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m', maximumAttempts: 10 },
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

export const local = proxyLocalActivities<WorkflowActivities>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '200ms', maximumInterval: '10s' },
});
