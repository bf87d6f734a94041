/** Schedules of batches as Temporal schedules, over gRPC. */
import {
  ScheduleAlreadyRunning,
  type ScheduleClient,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
  type ScheduleSummary,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { FrameloomError } from '../../core/errors.ts';
import {
  FIRE_WORKFLOW,
  type FireInput,
  intervalSeconds,
  type ScheduleMemo,
} from '../../schema/batch-schedule.ts';
import { ScheduleId } from '../../schema/ids.ts';
import { TENANT_ATTRIBUTE } from '../../schema/search-attributes.ts';
import { TASK_QUEUES } from '../../schema/task-queues.ts';
import type { ScheduleOrchestrator, ScheduleRecord } from '../schedule-orchestrator.ts';

const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);
/** A firing that was missed while the server was unavailable is made up for within this time. */
const CATCHUP_WINDOW = '1d';

export function createTemporalSchedules(
  schedule: ScheduleClient,
  /** Runs a request with a timeout, and converts its errors to FrameloomError. */
  call: <T>(request: () => Promise<T>) => Promise<T>,
): ScheduleOrchestrator {
  async function describe(id: ScheduleId): Promise<ScheduleRecord | undefined> {
    try {
      return recordOf(await call(() => schedule.getHandle(id).describe()));
    } catch (error) {
      if (error instanceof ScheduleNotFoundError) return undefined;
      throw error;
    }
  }

  async function ifExists(request: () => Promise<unknown>): Promise<void> {
    try {
      await call(request);
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }

  return {
    describe,

    async create(id, memo, paused) {
      try {
        await call(() => schedule.create(scheduleOptions(id, memo, paused)));
      } catch (error) {
        // The client throws a TypeError where the server reports an invalid argument.
        if (error instanceof TypeError)
          throw new FrameloomError('invalid_request', 'cron: is invalid.', { cause: error });
        if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      }
      const record = await describe(id);
      if (!record) throw new FrameloomError('unavailable', 'The schedule has not been created yet.');
      return record;
    },

    async list({ tenant, limit }) {
      if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('invalid tenant');
      return await call(async () => {
        const found: ScheduleRecord[] = [];
        for await (const one of schedule.list({ query: `FrameloomTenant='${tenant}'`, pageSize: limit })) {
          if (found.length === limit) break;
          // Garbage collection has a schedule too, without a tenant.
          if (ScheduleId.safeParse(one.scheduleId).success) found.push(recordOf(one));
        }
        return found;
      });
    },

    control: (id, what) =>
      ifExists(() => {
        const handle = schedule.getHandle(id);
        return what === 'trigger'
          ? handle.trigger('SKIP')
          : what === 'pause'
            ? handle.pause()
            : handle.unpause();
      }),

    delete: (id) => ifExists(() => schedule.getHandle(id).delete()),
  };
}

function scheduleOptions(id: ScheduleId, memo: ScheduleMemo, paused: boolean): ScheduleOptions {
  const { cron, every, timezone, createdAt: _own, ...batch } = memo;
  return {
    scheduleId: id,
    spec: {
      ...(cron === null ? {} : { cronExpressions: [cron] }),
      ...(every === null ? {} : { intervals: [{ every: intervalSeconds(every) * 1000 }] }),
      ...(timezone === null ? {} : { timezone }),
    },
    // The workflow lasts as long as its batch, so batches do not overlap.
    policies: { overlap: 'SKIP', catchupWindow: CATCHUP_WINDOW },
    action: {
      type: 'startWorkflow',
      workflowType: FIRE_WORKFLOW,
      taskQueue: TASK_QUEUES.workflow,
      // The server appends the time.
      workflowId: id,
      args: [{ scheduleId: id, batch } satisfies FireInput],
      typedSearchAttributes: [{ key: TENANT, value: memo.tenant }],
    },
    memo: { ...memo },
    typedSearchAttributes: [{ key: TENANT, value: memo.tenant }],
    state: { paused },
  };
}

function recordOf({ scheduleId, memo, state, info }: ScheduleDescription | ScheduleSummary): ScheduleRecord {
  const nextAt = state.paused ? undefined : info.nextActionTimes[0]?.getTime();
  return {
    id: ScheduleId.parse(scheduleId),
    memo: memo as unknown as ScheduleMemo, // written by `create` above
    paused: state.paused,
    ...(nextAt === undefined ? {} : { nextAt }),
    recentFirings: info.recentActions
      .map(({ action, takenAt }) => ({ firing: action.workflow.workflowId, at: takenAt.getTime() }))
      .reverse(),
  };
}
