/** What the removal of old artifacts needs of Temporal: which jobs are live, and a schedule. */
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
 * Asks which jobs are live. A job that was continued as new has a new start time; the memo keeps the first one. Jobs that were
 * started within the last seconds may be missing: what they use is too young to be removed.
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

/** Sees to it that old artifacts are removed every `hours`, or not at all for 0. Every worker may call it at its start. */
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
      // One that takes longer than the interval is not joined by another.
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
    // It keeps what people changed, such as a pause, but for the interval.
    await handle.update(({ action, policies, state }) => ({ action, policies, state, spec }));
  }
}
