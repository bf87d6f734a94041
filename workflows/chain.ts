/**
 * A job is a chain of runs: before the history of one grows long, it hands its state to the next. Artifacts, events and
 * progress are those of the chain.
 */
import {
  CancellationScope,
  CancelledFailure,
  makeContinueAsNewFunc,
  workflowInfo,
} from '@temporalio/workflow';
import type { JobRef, JobState, SummarizeInput } from '../schema/stages.ts';

/**
 * Events after which a run hands over. A shard that has begun is finished first, which takes up to 1,536 more. A worker that gets a history for the
 * first time replays it within WORKFLOW_TASK_SECONDS: 2,000 events are 0.6 s of computing, 2.4 s where six others compute on the same two cores.
 */
const LONG_HISTORY = 1500;

/** Names the artifacts of the job, the same in each of its runs. */
export function refOf({ jobId }: SummarizeInput): JobRef {
  return { jobId, run: workflowInfo().firstExecutionRunId };
}

/** Whether what is left should be left to the next run. */
export function isLong(): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength > LONG_HISTORY || continueAsNewSuggested;
}

/**
 * Ends this run and starts the next one, with nothing under way. Search attributes and priority go along by themselves; the memo
 * would go without what was added to it just now (server 1.29), so it is handed on as it is.
 */
export async function handOver(input: SummarizeInput, state: JobState): Promise<never> {
  // The server refuses to go on past a cancel request that has just arrived, and asks again: it must find it heeded then.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('Cancelled at a hand-over');
  const { memo = {} } = workflowInfo();
  return makeContinueAsNewFunc<(next: SummarizeInput) => Promise<void>>({ memo })({ ...input, state });
}
