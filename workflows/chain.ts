/**
 * A job is a chain of runs: before the history of one becomes long, its state is passed to the next.
 * Artifacts, events and progress belong to the whole chain.
 */
import {
  CancellationScope,
  CancelledFailure,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobRef, JobState, SummarizeInput } from '../schema/stages.ts';

/**
 * Events after which the next run takes over. A shard in progress is finished first, which takes up to 1,536
 * more. A worker that gets a history for the first time must replay it within WORKFLOW_TASK_SECONDS: 2,000
 * events take 0.6 s, or 2.4 s where six other processes compute on the same two cores.
 */
const MAX_HISTORY_EVENTS = 1500;

/** Names the artifacts of the job, the same in each of its runs. */
export function refOf({ jobId }: SummarizeInput): JobRef {
  return { jobId, run: workflowInfo().firstExecutionRunId };
}

/** Whether the next run should do the rest. */
export function isLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength > MAX_HISTORY_EVENTS || continueAsNewSuggested;
}

/**
 * Ends this run and starts the next one; nothing may be in flight. Search attributes and priority are
 * inherited. The memo is passed explicitly: without that, changes of the current workflow task would be lost
 * (server 1.29).
 */
export async function continueInNextRun(input: SummarizeInput, state: JobState): Promise<never> {
  // The server rejects the new run when a cancel request has just arrived, and repeats the task: the
  // cancellation must win then.
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('Cancelled between two runs');
  const { memo = {} } = workflowInfo();
  return makeContinueAsNewFunc<(next: SummarizeInput) => Promise<void>>({ memo })({ ...input, state });
}
