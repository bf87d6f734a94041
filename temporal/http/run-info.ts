/** Converts what the HTTP API returns for a run. */

import { runStateOf } from '../run-status.ts';
import type { RunInfo } from '../wire.ts';
import { fromPayload, type Payload } from './payloads.ts';

/** The members of temporal.api.workflow.v1.WorkflowExecutionInfo that are read, as JSON. */
export interface ExecutionJson {
  readonly execution?: { readonly workflowId?: string; readonly runId?: string };
  readonly parentExecution?: { readonly workflowId?: string };
  readonly firstRunId?: string;
  readonly status?: string;
  readonly startTime?: string;
  readonly closeTime?: string;
  readonly memo?: { readonly fields?: Readonly<Record<string, Payload>> };
}

export function runInfoOf(info: ExecutionJson): RunInfo {
  const fields = Object.entries(info.memo?.fields ?? {});
  return {
    workflowId: info.execution?.workflowId ?? '',
    runId: info.execution?.runId ?? '',
    firstRunId: info.firstRunId ?? '',
    state: runStateOf(info.status),
    isChild: Boolean(info.parentExecution?.workflowId),
    startTime: timeOf(info.startTime),
    closeTime: timeOf(info.closeTime),
    memo: Object.fromEntries(fields.map(([name, payload]) => [name, fromPayload(payload)])),
  };
}

/** The server's times have nanoseconds; the result has milliseconds. */
function timeOf(time: string | undefined): string | undefined {
  return time === undefined ? undefined : new Date(Date.parse(time)).toISOString();
}
