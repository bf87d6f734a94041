/**
 * One firing of a schedule: starts a batch of the lines of the schedule and runs until it ends, so the
 * schedule's overlap policy sees a running batch. The batch continues even if this workflow fails.
 */
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import { ParentClosePolicy, startChild, workflowInfo } from '@temporalio/workflow';
import { type BatchMemo, windowSeconds } from '../schema/batch.ts';
import type { FireInput } from '../schema/batch-schedule.ts';
import { batchInput } from '../schema/batch-stages.ts';
import { PRIORITY_KEYS, TENANT_ATTRIBUTE } from '../schema/search-attributes.ts';
import { TASK_QUEUES, WORKFLOW_TASK_SECONDS } from '../schema/task-queues.ts';
import { schedules } from './activities.ts';

const TENANT = defineSearchAttributeKey(TENANT_ATTRIBUTE, SearchAttributeType.KEYWORD);

export async function fireBatch({ scheduleId, batch }: FireInput): Promise<void> {
  const { tenant, input, shards, completionWindow } = batch;
  const { workflowId, startTime } = workflowInfo();
  const createdAt = Math.floor(startTime.getTime() / 1000);
  // The workflow id of a firing consists of the id of its schedule and the time it was due.
  const { batchId } = await schedules.prepareFiring({
    scheduleId,
    tenant,
    input,
    shards,
    firing: workflowId,
  });
  const memo: BatchMemo = {
    ...batch,
    scheduleId,
    invalid: 0,
    round: 1,
    createdAt,
    expiresAt: createdAt + windowSeconds(completionWindow),
    status: 'validating',
    completed: 0,
    failed: 0,
    times: {},
  };
  try {
    const child = await startChild('batch', {
      workflowId: batchId,
      taskQueue: TASK_QUEUES.workflow,
      workflowTaskTimeout: `${WORKFLOW_TASK_SECONDS}s`,
      args: [batchInput(batchId, memo)],
      memo: { ...memo },
      typedSearchAttributes: [{ key: TENANT, value: tenant }],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      priority: { priorityKey: PRIORITY_KEYS.normal, fairnessKey: tenant },
    });
    await child.result();
  } catch (error) {
    // An earlier attempt at this firing started the batch.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
