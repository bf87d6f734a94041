/** The part of the orchestrator port that begins batches again and again. An adapter may lack it: the routes are then not there. */
import type { ScheduleMemo } from '../schema/batch-schedule.ts';
import type { ScheduleId } from '../schema/ids.ts';

export interface ScheduleRecord {
  readonly id: ScheduleId;
  readonly memo: ScheduleMemo;
  readonly paused: boolean;
  /** Milliseconds since 1970; absent where it fires no more. */
  readonly nextAt?: number;
  /** The latest firings, the newest first, by what names them. */
  readonly recentFirings: readonly { readonly firing: string; readonly at: number }[];
}

/** All of these throw `unavailable` when the orchestrator does not answer. */
export interface ScheduleOrchestrator {
  /**
   * Makes the schedule or finds the one that has its id. While a batch of it runs, the next one is left out. Throws
   * `invalid_request` for times that are none.
   */
  create(id: ScheduleId, memo: ScheduleMemo, paused: boolean): Promise<ScheduleRecord>;
  describe(id: ScheduleId): Promise<ScheduleRecord | undefined>;
  /** A tenant's schedules, at most `limit`. May lag behind `create` by moments. */
  list(input: { readonly tenant: string; readonly limit: number }): Promise<readonly ScheduleRecord[]>;
  /** Pauses it, resumes it, or fires it now. Nothing happens where there is none. */
  control(id: ScheduleId, what: 'pause' | 'resume' | 'trigger'): Promise<void>;
  /** Forgets it. Batches that it has begun go on. */
  delete(id: ScheduleId): Promise<void>;
}
