/** The batch part of the port in memory. Kept honest by the contract suite. */

import { FrameloomError } from '../../core/errors.ts';
import type { BatchMemo } from '../../schema/batch.ts';
import type { BatchControl } from '../../schema/batch-stages.ts';
import type { BatchId } from '../../schema/ids.ts';
import type { BatchOrchestrator, BatchRecord } from '../../temporal/batch-orchestrator.ts';

export interface FakeBatches extends BatchOrchestrator {
  /** Changes the memo, as the workflow would. */
  upsert(id: BatchId, change: Partial<BatchMemo>): void;
  /** Ends the current run. */
  close(id: BatchId, state: 'completed' | 'failed' | 'terminated'): void;
  /** What running batches were told, in order. */
  readonly told: { id: BatchId; change: BatchControl }[];
  /** Rounds started so far. */
  rounds: number;
}

export function createFakeBatches(now: () => number, answer: () => void): FakeBatches {
  const batches = new Map<BatchId, BatchRecord>();

  function begin(id: BatchId, memo: BatchMemo): BatchRecord {
    fake.rounds += 1;
    const record: BatchRecord = { id, state: 'running', memo, createdAt: new Date(now()).toISOString() };
    // The newest comes last.
    batches.delete(id);
    batches.set(id, record);
    return record;
  }

  function isRunning(record: BatchRecord | undefined): record is BatchRecord {
    return record?.state === 'running' || record?.state === 'cancelling';
  }

  const fake: FakeBatches = {
    told: [],
    rounds: 0,

    async start(id, memo) {
      answer();
      return batches.get(id) ?? begin(id, memo);
    },

    async describe(id) {
      answer();
      return batches.get(id);
    },

    async list({ tenant, limit, after }) {
      answer();
      const mine = [...batches.values()].filter(({ memo }) => memo.tenant === tenant).reverse();
      const behind = after ? mine.findIndex(({ id }) => id === after.id) + 1 : 0;
      return mine.slice(behind, behind + limit);
    },

    async control(id, change) {
      answer();
      const record = batches.get(id);
      if (!isRunning(record)) return;
      fake.told.push({ id, change });
      if (change.type === 'limit') fake.upsert(id, { maxInFlight: change.maxInFlight });
      else fake.upsert(id, { status: change.type === 'pause' ? 'paused' : 'in_progress' });
    },

    async cancel(id) {
      answer();
      const record = batches.get(id);
      if (isRunning(record)) batches.set(id, { ...record, state: 'cancelling' });
    },

    async retry(id, memo) {
      answer();
      const latest = batches.get(id);
      if (!latest) throw new FrameloomError('not_found', 'No such batch.');
      return latest.memo.round >= memo.round ? latest : begin(id, memo);
    },

    upsert(id, change) {
      const record = batches.get(id);
      if (!record) throw new Error(`no batch ${id}`);
      batches.set(id, { ...record, memo: { ...record.memo, ...change } });
    },

    close(id, state) {
      const record = batches.get(id);
      if (!record) throw new Error(`no batch ${id}`);
      batches.set(id, { ...record, state });
    },
  };
  return fake;
}
