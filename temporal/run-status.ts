/** The table of workflow execution statuses: number (gRPC), name (JSON) and the state of a run. */
import type { RunState } from './wire.ts';

// temporal.api.enums.v1.WorkflowExecutionStatus
const STATUSES: readonly (readonly [code: number, name: string, state: RunState])[] = [
  [1, 'RUNNING', 'running'],
  [2, 'COMPLETED', 'completed'],
  [3, 'FAILED', 'failed'],
  [4, 'CANCELED', 'cancelled'],
  [5, 'TERMINATED', 'terminated'],
  [6, 'CONTINUED_AS_NEW', 'running'], // the next run of the chain is in flight
  [7, 'TIMED_OUT', 'timed_out'],
  [8, 'PAUSED', 'running'],
];

// temporal.api.enums.v1.PendingActivityState: number (gRPC) and name (JSON)
const SCHEDULED: ReadonlySet<number | string> = new Set([1, 'PENDING_ACTIVITY_STATE_SCHEDULED']);

/** Whether there are activities in flight and none has started, or been started again after a failure. */
export function isWaitingFor(
  activities: readonly { readonly state?: number | string | null }[] | null | undefined,
): boolean {
  return Boolean(activities?.length) && Boolean(activities?.every(({ state }) => SCHEDULED.has(state ?? '')));
}

/**
 * Returns the state for a status: a number, or a name such as `WORKFLOW_EXECUTION_STATUS_RUNNING`. Throws
 * TypeError for others.
 */
export function runStateOf(status: number | string | null | undefined): RunState {
  const name = String(status).replace('WORKFLOW_EXECUTION_STATUS_', '');
  const found = STATUSES.find((entry) => entry[0] === status || entry[1] === name);
  if (!found) throw new TypeError(`unknown workflow execution status: ${status}`);
  return found[2];
}
