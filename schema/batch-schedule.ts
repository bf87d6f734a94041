/** Backfills that come again: the lines of a batch, and when a batch of them begins. */
import { z } from 'zod';
import { BatchCreate, type BatchMemo } from './batch.ts';
import type { BatchRef } from './batch-stages.ts';
import { BatchId, FileId, ScheduleId } from './ids.ts';

/** Least time between two firings, in seconds. */
const LEAST_EVERY = 60;

const Cron = z
  .string()
  .max(100)
  .regex(/^\S+(\s+\S+){4}$/, { error: 'must be five fields: minute, hour, day of month, month, day of week' })
  .describe('Five fields, such as `0 3 * * *`: minute, hour, day of month, month, day of week.');
const Every = z
  .string()
  .regex(/^[1-9]\d{0,3}[mhd]$/, { error: 'must be minutes, hours or days, such as 30m, 6h or 7d' })
  .refine((every) => intervalSeconds(every) >= LEAST_EVERY)
  .describe('Minutes, hours or days, such as `30m`, `6h` or `7d`; counted from the beginning of 1970, UTC.');
const Timezone = z
  .string()
  .max(64)
  .refine(isTimezone, { error: 'must be a name of the time zone database, such as Europe/Berlin' })
  .describe('Time zone of `cron`; UTC if not given.');

export const ScheduleCreate = z
  .strictObject({
    ...BatchCreate.shape,
    fail_fast: z.literal(true).optional().describe('One bad line always refuses a schedule.'),
    cron: Cron.optional(),
    every: Every.optional(),
    timezone: Timezone.optional(),
    paused: z.boolean().default(false).describe('Whether it waits to be resumed.'),
  })
  .refine(({ input_file_id, requests }) => (input_file_id === undefined) !== (requests === undefined), {
    error: 'give exactly one of input_file_id and requests',
    path: ['input_file_id'],
  })
  .refine(({ cron, every }) => (cron === undefined) !== (every === undefined), {
    error: 'give exactly one of cron and every',
    path: ['cron'],
  })
  .refine(({ cron, timezone }) => timezone === undefined || cron !== undefined, {
    error: 'goes with cron only',
    path: ['timezone'],
  })
  .meta({ id: 'BatchScheduleCreate' });
export type ScheduleCreate = z.output<typeof ScheduleCreate>;
export type ScheduleCreateInput = z.input<typeof ScheduleCreate>;

export const BatchSchedule = z
  .object({
    id: ScheduleId,
    object: z.literal('batch_schedule'),
    endpoint: z.literal('/v1/summaries'),
    cron: z.string().nullable(),
    every: z.string().nullable(),
    timezone: z.string().nullable(),
    status: z.enum(['active', 'paused']),
    input_file_id: FileId.nullable(),
    completion_window: z.string(),
    max_in_flight: z.int(),
    metadata: z.record(z.string(), z.string()).nullable(),
    lines: z.int().describe('Lines of each batch.'),
    created_at: z.int().describe('Seconds of Unix.'),
    next_at: z.int().nullable().describe('When it fires next, in seconds of Unix; null where it does not.'),
    recent: z
      .array(z.object({ fired_at: z.int(), batch_id: BatchId }))
      .describe('The latest firings, the newest first, and the batch that each began.'),
  })
  .meta({ id: 'BatchSchedule' });
export type BatchSchedule = z.infer<typeof BatchSchedule>;

export const BatchScheduleList = z
  .object({ object: z.literal('list'), data: z.array(BatchSchedule) })
  .meta({ id: 'BatchScheduleList' });

/** What the batches of a schedule have in common: the part of their memos that is known beforehand. */
export type BatchTemplate = Pick<
  BatchMemo,
  | 'tenant'
  | 'fingerprint'
  | 'input'
  | 'inputFileId'
  | 'completionWindow'
  | 'metadata'
  | 'shards'
  | 'total'
  | 'maxInFlight'
>;

/** What the memo of a schedule holds. */
export interface ScheduleMemo extends BatchTemplate {
  readonly cron: string | null;
  readonly every: string | null;
  readonly timezone: string | null;
  /** Seconds of Unix. */
  readonly createdAt: number;
}

/** Name of the workflow that a schedule starts, and its argument. */
export const FIRE_WORKFLOW = 'fireBatch';
export interface FireInput {
  readonly scheduleId: ScheduleId;
  readonly batch: BatchTemplate;
}

export interface PrepareFiringInput extends Pick<BatchRef, 'tenant' | 'input' | 'shards'> {
  readonly scheduleId: ScheduleId;
  /** What names the firing: made from the schedule and its time, by the orchestrator. */
  readonly firing: string;
}

/** Activities of the `cpu` queue. */
export interface ScheduleActivities {
  /** Gives the lines of the schedule to the batch of this firing, and answers its id. */
  prepareFiring(input: PrepareFiringInput): Promise<{ readonly batchId: BatchId }>;
}

/** The key from which the id of a firing's batch is made: one firing is one batch, however often it is begun. */
export function firingKey(firing: string): string {
  return `firing ${firing}`;
}

/** Seconds in `30m`, `6h` or `7d`. */
export function intervalSeconds(every: string): number {
  const unit = every.at(-1);
  return Number.parseInt(every, 10) * (unit === 'd' ? 86_400 : unit === 'h' ? 3600 : 60);
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
