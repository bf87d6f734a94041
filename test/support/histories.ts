/** What the histories of a job's runs take. */
import type { Client, WorkflowHandle } from '@temporalio/client';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;

/** The histories of a job's chain, from the run `first` on. */
export async function historiesOf(
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

export function lengthOf({ events }: History): number {
  return events?.length ?? 0;
}

/** Bytes of the largest payload in a history. */
export function largestPayload(history: History): number {
  return largestIn(history);
}

function largestIn(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((most: number, part: unknown) => Math.max(most, largestIn(part)), 0);
}
