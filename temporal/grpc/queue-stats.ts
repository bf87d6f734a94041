/** How much work waits, from Temporal. Only the Node entry may import this: the client needs Node. */
import type { Client, WorkflowService } from '@temporalio/client';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { QueueStats } from '../orchestrator.ts';

/** Longest wait for the server, in milliseconds: a scrape must not hang. */
const TIMEOUT_MS = 2000;
/** Milliseconds for which an answer is good: /metrics needs no key, and must not be a way to burden Temporal. */
const MAX_AGE_MS = 2000;

// temporal.api.enums.v1.TaskQueueType
const WORKFLOW = 1;
const ACTIVITY = 2;

type Description = Awaited<ReturnType<WorkflowService['describeTaskQueue']>>;

/** Answers nothing while Temporal does not answer: /readyz tells that. */
export function createQueueStats(
  client: Client,
  now: () => number = Date.now,
): () => Promise<readonly QueueStats[]> {
  const { connection, workflow } = client;
  const { namespace } = workflow.options;
  let asked: { readonly at: number; readonly answer: Promise<readonly QueueStats[]> } | undefined;

  async function describe(queue: string): Promise<QueueStats> {
    const taskQueueType = queue === TASK_QUEUES.workflow ? WORKFLOW : ACTIVITY;
    const { stats } = await workflow.workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: queue },
      taskQueueType,
      reportStats: true,
    });
    return { queue, waiting: Number(stats?.approximateBacklogCount ?? 0), oldestSeconds: secondsOf(stats) };
  }

  return () => {
    if (asked === undefined || now() - asked.at > MAX_AGE_MS) {
      const answer = connection
        .withDeadline(Date.now() + TIMEOUT_MS, () => Promise.all(Object.values(TASK_QUEUES).map(describe)))
        .catch(() => []);
      asked = { at: now(), answer };
    }
    return asked.answer;
  };
}

function secondsOf(stats: Description['stats']): number {
  const age = stats?.approximateBacklogAge;
  return Number(age?.seconds ?? 0) + (age?.nanos ?? 0) / 1e9;
}
