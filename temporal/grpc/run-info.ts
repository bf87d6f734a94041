/** Converts what gRPC returns for a run. */
import type { WorkflowService } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { runStateOf } from '../run-status.ts';
import type { RunInfo } from '../wire.ts';

type Execution = NonNullable<
  Awaited<ReturnType<WorkflowService['listWorkflowExecutions']>>['executions']
>[number];

export function runInfoOf({
  status,
  execution,
  parentExecution,
  firstRunId,
  startTime,
  closeTime,
  memo,
}: Execution): RunInfo {
  return {
    workflowId: execution?.workflowId ?? '',
    runId: execution?.runId ?? '',
    firstRunId: firstRunId ?? '',
    state: runStateOf(status),
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
