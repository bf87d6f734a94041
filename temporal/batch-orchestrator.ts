/** The part of the orchestrator port that runs batches. `test/temporal/batch-contract.ts` says what each adapter must do. */
import type { BatchMemo } from '../schema/batch.ts';
import type { BatchControl } from '../schema/batch-stages.ts';
import type { BatchId } from '../schema/ids.ts';

export { batchInput } from '../schema/batch-stages.ts';

export interface BatchRecord {
  readonly id: BatchId;
  /** As of a job. */
  readonly state:
    | 'running'
    | 'cancelling'
    | 'completed'
    | 'failed'
    | 'cancelled'
    | 'terminated'
    | 'timed_out';
  readonly memo: BatchMemo;
  /** When its latest run began, RFC 3339: what lists are ordered by. */
  readonly createdAt: string;
}

/** All of these throw `unavailable` when the orchestrator does not answer. */
export interface BatchOrchestrator {
  /** Starts the batch or finds the one that has its id; the record tells which request it was started with. */
  start(id: BatchId, memo: BatchMemo): Promise<BatchRecord>;
  describe(id: BatchId): Promise<BatchRecord | undefined>;
  /** A tenant's batches, newest first, from behind `after`. May lag behind `start` by moments. */
  list(input: {
    readonly tenant: string;
    readonly limit: number;
    readonly after?: BatchRecord;
  }): Promise<readonly BatchRecord[]>;
  /** Tells a running batch something. Nothing happens where none runs. */
  control(id: BatchId, change: BatchControl): Promise<void>;
  /** Asks a running batch to stop. Nothing happens where none runs. */
  cancel(id: BatchId): Promise<void>;
  /**
   * Runs an ended batch in another round, with `memo`. Where that round, or a later one, is there already, it is answered instead, so
   * that equal calls at once make one round.
   */
  retry(id: BatchId, memo: BatchMemo): Promise<BatchRecord>;
}
