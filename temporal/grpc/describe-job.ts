/** Describes a job from inside a worker, for activities that need its outcome. */
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { DescribedJob } from '../../schema/batch-stages.ts';
import type { JobId } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';
import { runStateOf } from '../run-status.ts';

/**
 * Creates a function that returns the latest run of a job, or undefined where none is known. It throws the
 * client's errors.
 */
export function createDescribeJob(
  connection: NativeConnection,
  namespace: string,
): (id: JobId) => Promise<DescribedJob | undefined> {
  const client = new Client({ connection, namespace });
  return async (id) => {
    try {
      const { raw, memo: fields, closeTime } = await client.workflow.getHandle(id).describe();
      const state = runStateOf(raw.workflowExecutionInfo?.status);
      const memo = fields as unknown as JobMemo; // every job is started with that memo
      return {
        // A terminated job has no outcome either.
        state: state === 'terminated' ? 'cancelled' : state,
        memo,
        createdAt: memo.createdAt,
        closedAt: closeTime?.toISOString(),
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
}
