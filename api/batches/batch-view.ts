/** The batch object of the API, and the memos of retries. */

import { FrameloomError } from '../../core/errors.ts';
import {
  type Batch,
  type BatchMemo,
  type BatchStatus,
  isFinalBatchStatus,
  windowSeconds,
} from '../../schema/batch.ts';
import { toBatchUsage } from '../../schema/usage.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { batchTextsName } from '../../store/names.ts';
import type { BatchRecord } from '../../temporal/batch-orchestrator.ts';
import { readBatchTexts } from './batch-texts.ts';

/** Returns the batch object of `record`. @throws StoreError */
export async function batchView(store: BlobStore, record: BatchRecord): Promise<Batch> {
  const { memo } = record;
  const { metadata, errors } = await readBatchTexts(store, batchTextsName(record.id, memo.input), memo);
  return {
    id: record.id,
    object: 'batch',
    endpoint: '/v1/summaries',
    ...(errors.length > 0 ? { errors: { object: 'list' as const, data: [...errors] } } : {}),
    input_file_id: memo.inputFileId,
    completion_window: memo.completionWindow,
    status: batchStatus(record),
    ...(memo.outputFileId === undefined ? {} : { output_file_id: memo.outputFileId }),
    ...(memo.errorFileId === undefined ? {} : { error_file_id: memo.errorFileId }),
    created_at: memo.createdAt,
    expires_at: memo.expiresAt,
    ...memo.times,
    request_counts: { total: memo.total, completed: memo.completed, failed: memo.failed },
    metadata,
    max_in_flight: memo.maxInFlight,
    round: memo.round,
    ...(memo.usage ? { usage: toBatchUsage(memo.usage) } : {}),
    ...(memo.scheduleId === undefined ? {} : { schedule_id: memo.scheduleId }),
  };
}

export function batchStatus({ state, memo }: BatchRecord): BatchStatus {
  if (isFinalBatchStatus(memo.status)) return memo.status;
  if (state === 'running') return memo.status;
  if (state === 'cancelling') return memo.status === 'finalizing' ? 'finalizing' : 'cancelling';
  // The workflow ended without recording its final status.
  return state === 'cancelled' ? 'cancelled' : 'failed';
}

/**
 * Creates the memo for a retry of the lines without a result.
 *
 * @throws FrameloomError `batch_state` if the batch has not ended or has no line to run again
 */
export function createRetryMemo(record: BatchRecord, now: number): BatchMemo {
  const { memo } = record;
  if (!isFinalBatchStatus(batchStatus(record)))
    throw new FrameloomError('batch_state', 'Only a batch that has ended can be retried.');
  if (memo.completed + memo.invalid >= memo.total)
    throw new FrameloomError('batch_state', 'The batch has no lines to retry.');
  const { outputFileId: _output, errorFileId: _errors, usage: _usage, ...rest } = memo;
  return {
    ...rest,
    round: memo.round + 1,
    status: 'validating',
    failed: memo.invalid,
    times: {},
    expiresAt: now + windowSeconds(memo.completionWindow),
  };
}
