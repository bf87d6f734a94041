/** Work for a CPU worker, one piece after the other. */
import { proxyActivities } from '@temporalio/workflow';
import type { PrepareFiringInput, ScheduleActivities } from '../../schema/batch-schedule.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';

export interface LambdaActivities {
  /** Answers who did it. */
  quick(): Promise<string>;
  /** Takes longer than the first function has. */
  long(): Promise<{ readonly by: string; readonly attempt: number }>;
}

const { quick, long, prepareFiring } = proxyActivities<LambdaActivities & ScheduleActivities>({
  taskQueue: TASK_QUEUES.cpu,
  startToCloseTimeout: '5m',
  // Far more than the test takes: who is found gone has said so.
  heartbeatTimeout: '3m',
  retry: { initialInterval: '50ms' },
});

export async function work(firing: PrepareFiringInput) {
  return { quick: await quick(), long: await long(), firing: await prepareFiring(firing) };
}
