/** Stands in for the real workflow in the contract suite: it does what it is told by signals. */
import {
  ApplicationFailure,
  condition,
  defineSignal,
  makeContinueAsNewFunc,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';
import { BATCH_CONTROL, type BatchControl } from '../../schema/batch-stages.ts';

export const act = defineSignal<['begin' | 'complete' | 'fail' | 'goOn']>('act');

const control = defineSignal<[BatchControl]>(BATCH_CONTROL);

/** A batch that shows what it was told, until it is told to end. */
export async function batch(): Promise<void> {
  let ended = false;
  setHandler(control, (change) => {
    if (change.type === 'limit') upsertMemo({ maxInFlight: change.maxInFlight });
    else upsertMemo({ status: change.type === 'pause' ? 'paused' : 'in_progress' });
  });
  setHandler(act, () => {
    ended = true;
  });
  await condition(() => ended);
}

/** Runs until it is told to end; a cancellation ends it as cancelled. */
export async function summarize(): Promise<void> {
  let end: 'complete' | 'fail' | 'goOn' | undefined;
  setHandler(act, (what) => {
    if (what === 'begin') upsertMemo({ startedAt: '2026-01-01T00:00:00.000Z' });
    else end = what;
  });
  await condition(() => end !== undefined);
  if (end === 'goOn') {
    upsertMemo({ run: workflowInfo().firstExecutionRunId });
    const { memo = {} } = workflowInfo();
    await makeContinueAsNewFunc<typeof summarize>({ memo })();
  }
  if (end === 'fail') throw ApplicationFailure.nonRetryable('as told', 'internal');
}

/** An estimate that takes its time. */
export async function estimate(): Promise<void> {
  await condition(() => false);
}
