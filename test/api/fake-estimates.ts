/** Estimates in memory, with the hand that makes them. */

import type { EstimateInput, EstimateMemo } from '../../schema/estimate.ts';
import type { EstimateId } from '../../schema/ids.ts';
import type { EstimateOrchestrator, EstimateRecord } from '../../temporal/estimate-orchestrator.ts';

export interface FakeEstimates extends EstimateOrchestrator {
  /** What each was started with, in order. */
  readonly started: readonly EstimateInput[];
  /** Ends one with this. */
  end(id: EstimateId, outcome: Pick<EstimateMemo, 'estimate' | 'error'>): void;
}

export function createFakeEstimates(now: () => number, answer: () => void): FakeEstimates {
  const records = new Map<EstimateId, EstimateRecord>();
  const started: EstimateInput[] = [];
  return {
    started,
    async start(id, input, memo) {
      answer();
      const known = records.get(id);
      if (known?.state === 'running') return known;
      started.push(input);
      const record: EstimateRecord = {
        id,
        state: 'running',
        memo,
        createdAt: new Date(now()).toISOString(),
      };
      records.set(id, record);
      return record;
    },
    async describe(id) {
      answer();
      return records.get(id);
    },
    end(id, outcome) {
      const record = records.get(id);
      if (!record) throw new Error(`no estimate ${id}`);
      records.set(id, { ...record, state: 'ended', memo: { ...record.memo, ...outcome } });
    },
  };
}
