/** What gRPC says of a run, in the words of the wire. */
import type { WorkflowService } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import type { RunInfo, RunState } from '../wire.ts';

type Execution = NonNullable<
  Awaited<ReturnType<WorkflowService['listWorkflowExecutions']>>['executions']
>[number];

// temporal.api.enums.v1.WorkflowExecutionStatus
const STATES: Readonly<Record<number, RunState>> = {
  1: 'running',
  2: 'completed',
  3: 'failed',
  4: 'cancelled',
  5: 'terminated',
  6: 'running', // continued as new: the next run is under way
  7: 'timed_out',
  8: 'running', // paused
};

export function runInfoOf({
  status,
  execution,
  parentExecution,
  firstRunId,
  startTime,
  closeTime,
  memo,
}: Execution): RunInfo {
  const state = STATES[Number(status)];
  if (!state) throw new TypeError(`no such workflow status: ${status}`);
  return {
    workflowId: execution?.workflowId ?? '',
    runId: execution?.runId ?? '',
    firstRunId: firstRunId ?? '',
    state,
    isChild: Boolean(parentExecution?.workflowId),
    startTime: timeOf(startTime),
    closeTime: timeOf(closeTime),
    memo: Object.fromEntries(
      Object.entries(memo?.fields ?? {}).map(([name, payload]) => [
        name,
        defaultPayloadConverter.fromPayload(payload),
      ]),
    ),
  };
}

interface Timestamp {
  readonly seconds?: { toNumber(): number } | number | null;
  readonly nanos?: number | null;
}

function timeOf(time: Timestamp | null | undefined): string | undefined {
  if (!time) return undefined;
  const seconds = typeof time.seconds === 'object' ? (time.seconds?.toNumber() ?? 0) : (time.seconds ?? 0);
  return new Date(seconds * 1000 + Math.floor((time.nanos ?? 0) / 1e6)).toISOString();
}
