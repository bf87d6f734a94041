/** Updates the memo of a batch, so its status and counts can be read while no worker runs. */
import { sleep, upsertMemo, workflowInfo } from '@temporalio/workflow';
import type { BatchMemo, BatchStatus } from '../schema/batch.ts';
import type { BatchWindow } from './batch-state.ts';

/** Minimum time between two changes of the counts in the memo. */
const MEMO_INTERVAL_MS = 1000;

export interface BatchMemoWriter {
  /** Whether `write` should be called now, although nothing else has happened. */
  isDue(): boolean;
  /**
   * Reports a change of the window. An urgent one is written with the next `write`, others at most every
   * second.
   */
  markChanged(isUrgent?: boolean): void;
  /** Writes status and counts if they have changed. */
  write(window: BatchWindow, options?: { readonly force?: boolean }): void;
}

export function openBatchMemo(): BatchMemoWriter {
  let writtenAt = 0;
  let hasChanged = true;
  let isUrgent = true;
  let isWaiting = false;

  /** Makes the memo due in `milliseconds`, even if nothing else happens until then. */
  function writeLater(milliseconds: number): void {
    if (isWaiting) return;
    isWaiting = true;
    sleep(milliseconds).then(
      () => {
        isWaiting = false;
        isUrgent = true;
      },
      () => undefined,
    );
  }

  return {
    isDue: () => isUrgent,
    markChanged(urgent = false) {
      hasChanged = true;
      isUrgent ||= urgent;
    },
    write({ completed, failed, maxInFlight, paused, stop }, { force = false } = {}) {
      const isDue = force || isUrgent;
      isUrgent = false;
      if (!force && !hasChanged) return;
      const wait = writtenAt + MEMO_INTERVAL_MS - Date.now();
      if (!isDue && wait > 0) {
        writeLater(wait);
        return;
      }
      hasChanged = false;
      writtenAt = Date.now();
      const status: BatchStatus = stop === 'cancelled' ? 'cancelling' : paused ? 'paused' : 'in_progress';
      updateBatchMemo({
        ...{ status, completed, failed, maxInFlight },
        times: { in_progress_at: unixSeconds(), ...memoTimes() },
      });
    },
  };
}

export function updateBatchMemo(change: Partial<BatchMemo>): void {
  upsertMemo({ ...change });
}

/** The times that the memo has so far. */
export function memoTimes(): BatchMemo['times'] {
  return (workflowInfo().memo?.times ?? {}) as BatchMemo['times']; // the memo is a BatchMemo
}

export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}
