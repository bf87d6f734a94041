/** Looking at a job from inside a worker, for activities that have to know how it ended. */
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';
import type { DescribedJob } from '../../schema/batch-stages.ts';
import type { JobId } from '../../schema/ids.ts';
import type { JobMemo } from '../../schema/job.ts';

const STATES: Readonly<Record<string, DescribedJob['state']>> = {
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TERMINATED: 'cancelled',
  TIMED_OUT: 'timed_out',
};

/** Throws what the server answers, except that there is no such job. */
export function createDescribeJob(
  connection: NativeConnection,
  namespace: string,
): (id: JobId) => Promise<DescribedJob | undefined> {
  const client = new Client({ connection, namespace });
  return async (id) => {
    try {
      const seen = await client.workflow.getHandle(id).describe();
      const memo = seen.memo as unknown as JobMemo; // what starts a job gives it that memo
      return {
        // All others are of a job that goes on.
        state: STATES[seen.status.name] ?? 'running',
        memo,
        createdAt: memo.createdAt,
        closedAt: seen.closeTime?.toISOString(),
      };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  };
}
