/**
 * The part of the orchestrator port that runs batches. `test/temporal/batch-contract.ts` is the contract of
 * its adapters.
 */
import type { BatchMemo } from '../schema/batch.ts';
import type { BatchControl } from '../schema/batch-stages.ts';
import type { BatchId } from '../schema/ids.ts';

export { batchInput } from '../schema/batch-stages.ts';

/** What the orchestrator knows of a batch: its latest run. */
export interface BatchRecord {
  readonly id: BatchId;
  /** As of `JobRecord`. */
  readonly state:
    | 'running'
    | 'cancelling'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'terminated'
    | 'timed_out';
  readonly memo: BatchMemo;
  /** Start of the latest run, RFC 3339. Lists are ordered by it. */
  readonly createdAt: string;
}

/**
 * Starts and manages batches. All methods throw FrameloomError `unavailable` when the orchestrator is
 * unavailable.
 */
export interface BatchOrchestrator {
  /**
   * Starts the batch, or returns the existing batch with its id. The memo contains the fingerprint of its
   * request.
   */
  start(id: BatchId, memo: BatchMemo): Promise<BatchRecord>;
  /** Returns the latest run of a batch, or undefined for an unknown batch. */
  describe(id: BatchId): Promise<BatchRecord | undefined>;
  /** Returns a tenant's batches, newest first, starting after `after`. Eventually consistent. */
  list(input: {
    readonly tenant: string;
    readonly limit: number;
    readonly after?: BatchRecord;
  }): Promise<readonly BatchRecord[]>;
  /** Pauses, resumes or changes a running batch. Does nothing if it does not run. */
  control(id: BatchId, change: BatchControl): Promise<void>;
  /** Requests the cancellation of a running batch. Does nothing if it does not run. */
  cancel(id: BatchId): Promise<void>;
  /**
   * Starts another round of an ended batch, with `memo`. Where that round or a later one exists, it is
   * returned instead, so concurrent equal calls start one round.
   */
  retry(id: BatchId, memo: BatchMemo): Promise<BatchRecord>;
}
