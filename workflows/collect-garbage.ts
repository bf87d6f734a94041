/** Removes expired artifacts. A Temporal schedule starts this workflow. */
import { proxyActivities } from '@temporalio/workflow';
import type { CollectGarbageOutput, GarbageActivities } from '../schema/activities.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';

const { collectGarbage: collect } = proxyActivities<GarbageActivities>({
  taskQueue: TASK_QUEUES.cpu,
  // Millions of artifacts take hours; the next attempt continues where one ends.
  startToCloseTimeout: '12h',
  heartbeatTimeout: '60s',
  retry: { initialInterval: '10s', backoffCoefficient: 2, maximumInterval: '10m', maximumAttempts: 20 },
});

export function collectGarbage(): Promise<CollectGarbageOutput> {
  return collect({});
}
