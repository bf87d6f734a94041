/** What Temporal's server says of a workflow, in our words. */
import type { WorkflowService } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { JobRecord } from './orchestrator.ts';

export type ListRequest = Parameters<WorkflowService['listWorkflowExecutions']>[0];
export type Execution = NonNullable<
  Awaited<ReturnType<WorkflowService['listWorkflowExecutions']>>['executions']
>[number];

// temporal.api.enums.v1.WorkflowExecutionStatus
const STATES: Readonly<Record<number, JobRecord['state']>> = {
  1: 'running',
  2: 'completed',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  6: 'running', // continued as new: the next run is under way
  7: 'timed_out',
  8: 'running', // paused
};

export function stateOf({ status }: Execution): JobRecord['state'] {
  const state = STATES[Number(status)];
  if (!state) throw new TypeError(`no such workflow status: ${status}`);
  return state;
}

/** The memo of a workflow. The caller names its type: only our own code writes memos. */
export function memoOf<T>({ memo }: Execution): T {
  const entries = Object.entries(memo?.fields ?? {}).map(([name, payload]) => [
    name,
    defaultPayloadConverter.fromPayload(payload),
  ]);
  return Object.fromEntries(entries) as T; // see above
}

interface Timestamp {
  readonly seconds?: { toNumber(): number } | number | null;
  readonly nanos?: number | null;
}

export function timeOf(time: Timestamp | null | undefined): string | undefined {
  if (!time) return undefined;
  const seconds = typeof time.seconds === 'object' ? (time.seconds?.toNumber() ?? 0) : (time.seconds ?? 0);
  return new Date(seconds * 1000 + Math.floor((time.nanos ?? 0) / 1e6)).toISOString();
}
