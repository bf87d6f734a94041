/** What the HTTP API says of a run, in the words of the wire. */

import type { RunInfo, RunState } from '../wire.ts';
import { fromPayload, type Payload } from './payloads.ts';

/** temporal.api.workflow.v1.WorkflowExecutionInfo as JSON, as far as it is read. */
export interface ExecutionJson {
  readonly execution?: { readonly workflowId?: string; readonly runId?: string };
  readonly parentExecution?: { readonly workflowId?: string };
  readonly firstRunId?: string;
  readonly status?: string;
  readonly startTime?: string;
  readonly closeTime?: string;
  readonly memo?: { readonly fields?: Readonly<Record<string, Payload>> };
}

const STATES: Readonly<Record<string, RunState>> = {
  RUNNING: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELED: 'cancelled',
  TERMINATED: 'terminated',
  CONTINUED_AS_NEW: 'running', // the next run is under way
  TIMED_OUT: 'timed_out',
  PAUSED: 'running',
};

export function runInfoOf(info: ExecutionJson): RunInfo {
  const state = STATES[info.status?.replace('WORKFLOW_EXECUTION_STATUS_', '') ?? ''];
  if (!state) throw new TypeError(`no such workflow status: ${info.status}`);
  const fields = Object.entries(info.memo?.fields ?? {});
  return {
    workflowId: info.execution?.workflowId ?? '',
    runId: info.execution?.runId ?? '',
    firstRunId: info.firstRunId ?? '',
    state,
    isChild: Boolean(info.parentExecution?.workflowId),
    startTime: timeOf(info.startTime),
    closeTime: timeOf(info.closeTime),
    memo: Object.fromEntries(fields.map(([name, payload]) => [name, fromPayload(payload)])),
  };
}

/** The server tells nanoseconds, which are cut off. */
function timeOf(time: string | undefined): string | undefined {
  return time === undefined ? undefined : new Date(Date.parse(time)).toISOString();
}
