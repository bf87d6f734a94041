/**
 * The part of the orchestrator port that starts batches on a schedule. Without it, the API has no routes of
 * schedules.
 */
import type { ScheduleMemo } from '../schema/batch-schedule.ts';
import type { ScheduleId } from '../schema/ids.ts';

/** What the orchestrator knows of a schedule. */
export interface ScheduleRecord {
  readonly id: ScheduleId;
  readonly memo: ScheduleMemo;
  readonly paused: boolean;
  /** Time of the next firing, in milliseconds since 1970. Absent if there is none. */
  readonly nextAt?: number;
  /**
   * The latest firings, newest first. `firing` is the id of its workflow; `at` is in milliseconds since 1970.
   */
  readonly recentFirings: readonly { readonly firing: string; readonly at: number }[];
}

/**
 * Manages schedules of batches. All methods throw FrameloomError `unavailable` when the orchestrator is
 * unavailable.
 */
export interface ScheduleOrchestrator {
  /**
   * Creates the schedule, or returns the existing one with its id. A firing is skipped while the batch of the
   * previous one runs. Throws `invalid_request` for an invalid cron expression.
   */
  create(id: ScheduleId, memo: ScheduleMemo, paused: boolean): Promise<ScheduleRecord>;
  /** Returns a schedule, or undefined for an unknown one. */
  describe(id: ScheduleId): Promise<ScheduleRecord | undefined>;
  /** Returns at most `limit` schedules of a tenant. Eventually consistent. */
  list(input: { readonly tenant: string; readonly limit: number }): Promise<readonly ScheduleRecord[]>;
  /** Pauses or resumes a schedule, or fires it now. Does nothing for an unknown one. */
  control(id: ScheduleId, what: 'pause' | 'resume' | 'trigger'): Promise<void>;
  /** Deletes a schedule. Batches that it has started continue. */
  delete(id: ScheduleId): Promise<void>;
}
