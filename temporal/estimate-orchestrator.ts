/** The part of the orchestrator port that makes estimates. */
import type { EstimateInput, EstimateMemo } from '../schema/estimate.ts';
import type { EstimateId } from '../schema/ids.ts';

/** What the orchestrator knows of an estimate: its latest run. */
export interface EstimateRecord {
  readonly id: EstimateId;
  readonly state: 'running' | 'ended';
  readonly memo: EstimateMemo;
  /** RFC 3339. */
  readonly createdAt: string;
}

/** Runs estimates. Both methods throw FrameloomError `unavailable` when the orchestrator is unavailable. */
export interface EstimateOrchestrator {
  /**
   * Starts the estimate, or returns the one in flight with this id. One that has ended is started again:
   * prices and usage samples may have changed.
   */
  start(id: EstimateId, input: EstimateInput, memo: EstimateMemo): Promise<EstimateRecord>;
  /** Returns the latest run of an estimate, or undefined for an unknown one. */
  describe(id: EstimateId): Promise<EstimateRecord | undefined>;
}
