/** The backlog of all task queues, over gRPC. It requires Node. */
import type { Client, WorkflowService } from '@temporalio/client';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { QueueStats } from '../orchestrator.ts';

/** Timeout of the server: a scrape must not hang. */
const TIMEOUT_MS = 2000;
/**
 * How long a response is reused: /metrics requires no key, and must not become a way to overload Temporal.
 */
const MAX_AGE_MS = 2000;

// temporal.api.enums.v1.TaskQueueType
const WORKFLOW = 1;
const ACTIVITY = 2;

type Description = Awaited<ReturnType<WorkflowService['describeTaskQueue']>>;

/**
 * Creates a function that returns the stats of each queue, or none while Temporal is unavailable, which
 * /readyz reports.
 */
export function createQueueStats(
  client: Client,
  now: () => number = Date.now,
): () => Promise<readonly QueueStats[]> {
  const { connection, workflow } = client;
  const { namespace } = workflow.options;
  let cached: { readonly at: number; readonly stats: Promise<readonly QueueStats[]> } | undefined;

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
    if (cached === undefined || now() - cached.at > MAX_AGE_MS) {
      const stats = connection
        .withDeadline(Date.now() + TIMEOUT_MS, () => Promise.all(Object.values(TASK_QUEUES).map(describe)))
        .catch(() => []);
      cached = { at: now(), stats };
    }
    return cached.stats;
  };
}

function secondsOf(stats: Description['stats']): number {
  const age = stats?.approximateBacklogAge;
  return Number(age?.seconds ?? 0) + (age?.nanos ?? 0) / 1e9;
}
