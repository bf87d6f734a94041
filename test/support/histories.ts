/** Histories of the runs of a job, and their sizes. */
import type { Client, WorkflowHandle } from '@temporalio/client';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** Returns the histories of all runs of a job, starting with the run `first`. */
export async function fetchHistories(
  { workflow }: Client,
  workflowId: string,
  first: string,
): Promise<readonly History[]> {
  const found: History[] = [];
  for (let runId = first; runId !== ''; ) {
    const history = await workflow.getHandle(workflowId, runId).fetchHistory();
    found.push(history);
    runId = history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId ?? '';
  }
  return found;
}

export function eventCount({ events }: History): number {
  return events?.length ?? 0;
}

/** Bytes of the largest payload in a history. */
export function largestPayloadBytes(history: History): number {
  return largestArrayBytes(history);
}

function largestArrayBytes(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce(
    (largest: number, member: unknown) => Math.max(largest, largestArrayBytes(member)),
    0,
  );
}
