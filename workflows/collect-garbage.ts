/** Removes what has outlived its lifetime. A schedule starts it. */
import { proxyActivities } from '@temporalio/workflow';
import type { CollectGarbageOutput, GarbageActivities } from '../schema/activities.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';

const { collectGarbage: collect } = proxyActivities<GarbageActivities>({
  taskQueue: TASK_QUEUES.cpu,
  // Millions of artifacts take hours; where an attempt ends, the next one goes on.
  startToCloseTimeout: '12h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '10s', backoffCoefficient: 2, maximumInterval: '10m', maximumAttempts: 20 },
});

export function collectGarbage(): Promise<CollectGarbageOutput> {
  return collect({});
}
