/** The part of the orchestrator port that makes estimates. */
import type { EstimateInput, EstimateMemo } from '../schema/estimate.ts';
import type { EstimateId } from '../schema/ids.ts';

export interface EstimateRecord {
  readonly id: EstimateId;
  readonly state: 'running' | 'ended';
  readonly memo: EstimateMemo;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** Both throw `unavailable` when the orchestrator does not answer. */
export interface EstimateOrchestrator {
  /**
   * Makes the estimate, or finds the one that is under way under this id. One that has ended is made anew: prices, and what is known
   * of the model, may have changed.
   */
  start(id: EstimateId, input: EstimateInput, memo: EstimateMemo): Promise<EstimateRecord>;
  describe(id: EstimateId): Promise<EstimateRecord | undefined>;
}
