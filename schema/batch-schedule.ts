/** Schedules: the lines of a batch, and when a batch with these lines is started. */
import { z } from 'zod';
import { BatchCreate, type BatchMemo } from './batch.ts';
import type { BatchRef } from './batch-stages.ts';
import { BatchId, FileId, ScheduleId } from './ids.ts';

/** Minimum time between two runs of a schedule, in seconds. */
const LEAST_EVERY = 60;

const Cron = z
  .string()
  .max(100)
  .regex(/^\S+(\s+\S+){4}$/, { error: 'must be five fields: minute, hour, day of month, month, day of week' })
  .describe(
    'A cron expression with five fields: minute, hour, day of month, month, day of week. For example, `0 3 * * *`.',
  );
const Every = z
  .string()
  .regex(/^[1-9]\d{0,3}[mhd]$/, { error: 'must be minutes, hours or days, such as 30m, 6h or 7d' })
  .refine((every) => intervalSeconds(every) >= LEAST_EVERY)
  .describe(
    'An interval in minutes, hours or days, such as `30m`, `6h` or `7d`. Intervals are aligned to the Unix epoch.',
  );
const Timezone = z
  .string()
  .max(64)
  .refine(isTimezone, { error: 'must be an IANA time zone, such as Europe/Berlin' })
  .describe('The IANA time zone of `cron`, such as `Europe/Berlin`. The default is UTC.');

export const ScheduleCreate = z
  .strictObject({
    ...BatchCreate.shape,
    fail_fast: z.literal(true).optional().describe('Always true: one invalid line rejects the schedule.'),
    cron: Cron.optional(),
    every: Every.optional(),
    timezone: Timezone.optional(),
    paused: z.boolean().default(false).describe('Whether the schedule is created paused.'),
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
    error: 'can only be used with cron',
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
    lines: z.int().describe('Number of lines in each batch.'),
    created_at: z.int().describe('Time of creation, in Unix seconds.'),
    next_at: z.int().nullable().describe('Time of the next run, in Unix seconds. Null if no run is planned.'),
    recent: z
      .array(z.object({ fired_at: z.int(), batch_id: BatchId }))
      .describe(
        'The most recent runs, newest first: their time in Unix seconds and the batch that each started.',
      ),
  })
  .meta({ id: 'BatchSchedule' });
export type BatchSchedule = z.infer<typeof BatchSchedule>;

export const BatchScheduleList = z
  .object({ object: z.literal('list'), data: z.array(BatchSchedule) })
  .meta({ id: 'BatchScheduleList' });

/** The part of a batch memo that is the same for all batches of a schedule. */
export type BatchTemplate = Pick<
  BatchMemo,
  | 'tenant'
  | 'fingerprint'
  | 'input'
  | 'inputFileId'
  | 'completionWindow'
  | 'hasTexts'
  | 'metadata'
  | 'shards'
  | 'total'
  | 'maxInFlight'
>;

/** The memo of a schedule. */
export interface ScheduleMemo extends BatchTemplate {
  readonly cron: string | null;
  readonly every: string | null;
  readonly timezone: string | null;
  /** Unix time in seconds. */
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
  /** Identifies the firing. The orchestrator derives it from the schedule and the time it was due. */
  readonly firing: string;
}

/** Activities of the `cpu` queue. */
export interface ScheduleActivities {
  /** Copies the lines of the schedule to the batch of this firing. Returns the id of the batch. */
  prepareFiring(input: PrepareFiringInput): Promise<{ readonly batchId: BatchId }>;
}

/** The idempotency key of the batch of a firing: repeated attempts at one firing start one batch. */
export function firingKey(firing: string): string {
  return `firing ${firing}`;
}

/** Converts an interval such as `30m`, `6h` or `7d` to seconds. */
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
