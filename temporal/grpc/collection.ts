/** What garbage collection needs of Temporal: the live jobs, and a schedule. */
import {
  Client,
  type ConnectionLike,
  ScheduleAlreadyRunning,
  ScheduleNotFoundError,
  type ScheduleSpec,
} from '@temporalio/client';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { LiveJobs } from '../../store/collect.ts';

const SCHEDULE_ID = 'frameloom-collect-garbage';
const LIVE_JOBS_QUERY = "WorkflowType='summarize' AND ExecutionStatus='Running'";
const PAGE_SIZE = 1000;

/**
 * Returns the start of the oldest live job. A job that was continued as new has a new start time; its memo
 * contains the first one. Jobs of the last seconds may be missing: the artifacts that they use are too young
 * to be collected.
 */
export async function liveJobs(connection: ConnectionLike, namespace: string): Promise<LiveJobs> {
  const { workflowService: service } = new Client({ connection, namespace });
  const asOf = Date.now();
  let oldestStart: number | undefined;
  let nextPageToken: Uint8Array | undefined;
  do {
    const page = await service.listWorkflowExecutions({
      namespace,
      query: LIVE_JOBS_QUERY,
      pageSize: PAGE_SIZE,
      ...(nextPageToken ? { nextPageToken } : {}),
    });
    for (const { startTime, memo } of page.executions ?? []) {
      const starts = [Number(startTime?.seconds ?? 0) * 1000, parseStartedAt(memo?.fields?.startedAt)];
      oldestStart = Math.min(oldestStart ?? Number.POSITIVE_INFINITY, ...starts);
    }
    nextPageToken = page.nextPageToken?.length ? page.nextPageToken : undefined;
  } while (nextPageToken);
  const { config } = await service.describeNamespace({ namespace });
  const retention = Number(config?.workflowExecutionRetentionTtl?.seconds ?? 0) * 1000;
  return { asOf, oldestStart, retention };
}

function parseStartedAt(payload: Payload | undefined): number {
  const text: unknown = payload && defaultPayloadConverter.fromPayload(payload);
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time;
}

/**
 * Creates or updates the schedule that collects garbage every `hours`; 0 deletes it. Idempotent: every worker
 * calls it at its start.
 */
export async function scheduleCollection(
  connection: ConnectionLike,
  namespace: string,
  hours: number,
): Promise<void> {
  const { schedule } = new Client({ connection, namespace });
  const handle = schedule.getHandle(SCHEDULE_ID);
  if (hours === 0) {
    await handle.delete().catch((error: unknown) => {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    });
    return;
  }
  const spec: ScheduleSpec = { intervals: [{ every: `${hours}h` }], jitter: '10m' };
  try {
    await schedule.create({
      scheduleId: SCHEDULE_ID,
      spec,
      // Collections do not overlap.
      policies: { overlap: 'SKIP', catchupWindow: '1h' },
      action: {
        type: 'startWorkflow',
        workflowType: 'collectGarbage',
        taskQueue: TASK_QUEUES.workflow,
        workflowId: SCHEDULE_ID,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    // Changes by operators, such as a pause, remain; only the interval is updated.
    await handle.update(({ action, policies, state }) => ({ action, policies, state, spec }));
  }
}
