/** Batches as Temporal workflows, over gRPC. */
import {
  type WorkflowClient,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  type WorkflowService,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { BatchMemo } from '../schema/batch.ts';
import { BATCH_CONTROL, type BatchInput } from '../schema/batch-stages.ts';
import { FrameloomError } from '../schema/errors.ts';
import { BatchId } from '../schema/ids.ts';
import { PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import { TASK_QUEUES } from '../schema/task-queues.ts';
import { type BatchOrchestrator, type BatchRecord, batchInput } from './batch-orchestrator.ts';
import { type Execution, type ListRequest, memoOf, stateOf, timeOf } from './temporal-records.ts';

/** Name of the workflow of a batch. */
const WORKFLOW_TYPE = 'batch';
const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);

/** How the server is asked: with a deadline, and with what it throws turned into our errors. */
export interface Asks {
  ask<T>(request: () => Promise<T>): Promise<T>;
  query(
    request: Omit<NonNullable<ListRequest>, 'namespace'>,
  ): ReturnType<WorkflowService['listWorkflowExecutions']>;
}

export function createTemporalBatches(workflow: WorkflowClient, { ask, query }: Asks): BatchOrchestrator {
  async function describe(id: BatchId): Promise<BatchRecord | undefined> {
    try {
      const { raw } = await ask(() => workflow.getHandle(id).describe());
      const info = raw.workflowExecutionInfo;
      return info ? recordOf(info, raw.workflowExtendedInfo?.cancelRequested ?? false) : undefined;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  }

  async function start(
    id: BatchId,
    memo: BatchMemo,
    reuse: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE',
  ): Promise<BatchRecord> {
    try {
      await ask(() =>
        workflow.start(WORKFLOW_TYPE, {
          workflowId: id,
          taskQueue: TASK_QUEUES.workflow,
          args: [batchInput(id, memo) satisfies BatchInput],
          memo: { ...memo },
          typedSearchAttributes: [{ key: TENANT, value: memo.tenant }],
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowIdReusePolicy: reuse,
          priority: { priorityKey: PRIORITY_KEYS.normal, fairnessKey: memo.tenant },
        }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
    const record = await describe(id);
    if (!record) throw new FrameloomError('unavailable', 'The batch is not there yet.');
    return record;
  }

  /** Runs `request` unless no batch runs. */
  async function ifRunning(request: () => Promise<unknown>): Promise<void> {
    try {
      await ask(request);
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
  }

  return {
    describe,
    start: (id, memo) => start(id, memo, 'REJECT_DUPLICATE'),

    async list({ tenant, limit, after }) {
      if (!/^[A-Za-z0-9_-]+$/.test(tenant)) throw new TypeError('not a tenant');
      // Times are cut to milliseconds: those of the same one are asked for as well, and left out here up to `after`.
      const before = after ? new Date(Date.parse(after.createdAt) + 1).toISOString() : undefined;
      const page = await query({
        pageSize: limit + (after ? SAME_MOMENT : 0),
        query:
          `WorkflowType='${WORKFLOW_TYPE}' AND FrameloomTenant='${tenant}' AND ExecutionStatus!='ContinuedAsNew'` +
          (before === undefined ? '' : ` AND StartTime<'${before}'`),
      });
      const newest = new Map<BatchId, BatchRecord>();
      for (const info of page.executions ?? []) {
        const record = recordOf(info, false);
        if (!newest.has(record.id)) newest.set(record.id, record);
      }
      const records = [...newest.values()];
      const behind = after ? records.findIndex(({ id }) => id === after.id) + 1 : 0;
      return records.slice(behind, behind + limit);
    },

    control: (id, change) => ifRunning(() => workflow.getHandle(id).signal(BATCH_CONTROL, change)),
    cancel: (id) => ifRunning(() => workflow.getHandle(id).cancel()),

    async retry(id, memo) {
      const latest = await describe(id);
      if (!latest) throw new FrameloomError('not_found', 'There is no batch with this id.');
      return latest.memo.round >= memo.round ? latest : await start(id, memo, 'ALLOW_DUPLICATE');
    },
  };
}

/** Batches that may have begun in the same millisecond. */
const SAME_MOMENT = 20;

function recordOf(info: Execution, cancelRequested: boolean): BatchRecord {
  const state = stateOf(info);
  return {
    id: BatchId.parse(info.execution?.workflowId),
    state: state === 'running' && cancelRequested ? 'cancelling' : state,
    memo: memoOf<BatchMemo>(info), // written by `start` above and by the workflow from that type
    createdAt: timeOf(info.startTime) ?? new Date(0).toISOString(),
  };
}
