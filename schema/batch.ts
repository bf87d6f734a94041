/**
 * Batches as OpenAI has them: many jobs from one file of JSON lines. The object and its lines are OpenAI's, so that its clients read
 * them unchanged, times in seconds of Unix included; what is ours beside them is said in the descriptions.
 */
import { z } from 'zod';
import { jobError } from '../core/errors.ts';
import { BatchId, FileId, type JobId, ScheduleId } from './ids.ts';
import type { JobError } from './job.ts';
import { Metadata, SummaryRequest } from './request.ts';
import { BatchUsage } from './usage.ts';
import type { UsageCost } from './usage-cost.ts';

/** Most lines of a batch, and most bytes of its file: OpenAI's limits. */
export const MAX_BATCH_LINES = 50_000;
export const MAX_BATCH_BYTES = 200_000_000;
/** Most bytes of the body of one line. */
export const MAX_LINE_BYTES = 48_000;
/** Lines in one artifact. */
export const LINES_PER_SHARD = 100;
/** Seconds: what lines refer to is kept for so long at least. */
const MAX_WINDOW = 30 * 86_400;
export const DEFAULT_IN_FLIGHT = 16;
/** Temporal advises at most this many children under way. */
export const MAX_IN_FLIGHT = 500;

const Endpoint = z.literal('/v1/summaries');
const InFlight = z
  .int()
  .min(1)
  .max(MAX_IN_FLIGHT)
  .describe(
    `Most jobs of the batch under way at once; ${DEFAULT_IN_FLIGHT} if not given. Can be changed while it runs.`,
  );

/** One line of the file. */
export const BatchRequestLine = z
  .strictObject({
    custom_id: z.string().min(1).max(128).describe('Names the line; no other line of the batch may have it.'),
    method: z.literal('POST'),
    url: Endpoint,
    body: SummaryRequest,
  })
  .meta({ id: 'BatchRequestLine' });

export const BatchCreate = z
  .strictObject({
    input_file_id: FileId.optional().describe('File of JSON lines, uploaded with purpose `batch`.'),
    requests: z
      .array(z.unknown())
      .min(1)
      .max(MAX_BATCH_LINES)
      .optional()
      .describe('The lines themselves, in place of a file.'),
    endpoint: Endpoint,
    completion_window: z
      .string()
      .regex(/^[1-9]\d{0,2}[hd]$/, { error: 'must be hours or days, such as 24h or 7d' })
      .refine((window) => windowSeconds(window) <= MAX_WINDOW, { error: 'must be 30 days at most' })
      .default('24h')
      .describe('What is not done by then expires. Hours or days, such as 24h or 7d.'),
    metadata: Metadata.nullish(),
    max_in_flight: InFlight.optional(),
    fail_fast: z.boolean().default(false).describe('Whether one bad line refuses the whole batch.'),
  })
  .refine(({ input_file_id, requests }) => (input_file_id === undefined) !== (requests === undefined), {
    error: 'give exactly one of input_file_id and requests',
    path: ['input_file_id'],
  })
  .meta({ id: 'BatchCreate' });
export type BatchCreate = z.output<typeof BatchCreate>;
export type BatchCreateInput = z.input<typeof BatchCreate>;

export const BatchChange = z.strictObject({ max_in_flight: InFlight }).meta({ id: 'BatchChange' });

export const BatchStatus = z.enum([
  'validating',
  'in_progress',
  'paused',
  'finalizing',
  'completed',
  'expired',
  'cancelling',
  'cancelled',
  'failed',
]);
export type BatchStatus = z.infer<typeof BatchStatus>;

/** Whether a batch in this status will not change any more unless it is retried. */
export function isFinalBatchStatus(status: BatchStatus): boolean {
  return status === 'completed' || status === 'expired' || status === 'cancelled' || status === 'failed';
}

const time = z.int().optional().describe('Seconds of Unix.');

const BatchTimes = z.object({
  in_progress_at: time,
  finalizing_at: time,
  completed_at: time,
  expired_at: time,
  cancelling_at: time,
  cancelled_at: time,
  failed_at: time,
});
export type BatchTimes = z.infer<typeof BatchTimes>;

const BatchError = z
  .object({
    code: z.string(),
    message: z.string(),
    line: z.int().nullable(),
    param: z.string().nullable(),
  })
  .meta({ id: 'BatchError' });

const BatchErrors = z.object({ object: z.literal('list'), data: z.array(BatchError) }).meta({
  id: 'BatchErrors',
  description: 'The first invalid lines. They are in the error file too, and do not stop the batch.',
});

const BatchRequestCounts = z
  .object({ total: z.int(), completed: z.int(), failed: z.int() })
  .meta({ id: 'BatchRequestCounts' });

export const Batch = z
  .object({
    id: BatchId,
    object: z.literal('batch'),
    endpoint: Endpoint,
    errors: BatchErrors.optional(),
    input_file_id: FileId.nullable(),
    completion_window: z.string(),
    status: BatchStatus.describe('`paused` is ours.'),
    output_file_id: FileId.optional().describe('Lines with a result, once the batch has ended.'),
    error_file_id: FileId.optional().describe('Lines without one, once the batch has ended.'),
    created_at: z.int(),
    expires_at: z.int(),
    ...BatchTimes.shape,
    request_counts: BatchRequestCounts,
    metadata: z.record(z.string(), z.string()).nullable(),
    max_in_flight: z.int().describe('Ours.'),
    round: z.int().describe('Ours: 1, and one more with each retry.'),
    usage: BatchUsage.optional(),
    schedule_id: ScheduleId.optional().describe('Ours: the schedule that began it.'),
  })
  .meta({ id: 'Batch' });
export type Batch = z.infer<typeof Batch>;

export const BatchList = z
  .object({
    object: z.literal('list'),
    data: z.array(Batch),
    first_id: z.string().nullable(),
    last_id: z.string().nullable(),
    has_more: z.boolean(),
  })
  .meta({ id: 'BatchList' });

/** What a bad line is told. */
export interface LineError {
  readonly code: JobError['code'];
  readonly message: string;
  readonly param?: string;
}

/** A checked line, as shards hold it. Lines are numbered from 1, as editors do. */
export type ShardLine = { readonly line: number } & (
  | {
      readonly customId: string;
      readonly jobId: JobId;
      readonly fingerprint: string;
      readonly request: SummaryRequest;
      /** As of `StoredRequest`. */
      readonly hasTranscript?: true;
    }
  | { readonly customId: string | null; readonly error: LineError }
);

/** What the memo of a batch holds: readable without any worker, and small. */
export interface BatchMemo {
  readonly tenant: string;
  /** Tells a repeated request from another one under the same key. */
  readonly fingerprint: string;
  /** Part of the names of its shards. */
  readonly input: string;
  readonly inputFileId: FileId | null;
  readonly completionWindow: string;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly shards: number;
  readonly total: number;
  /** Bad lines: they fail in every round. */
  readonly invalid: number;
  readonly round: number;
  readonly maxInFlight: number;
  /** Seconds of Unix. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly status: BatchStatus;
  readonly completed: number;
  readonly failed: number;
  readonly times: BatchTimes;
  readonly errors?: NonNullable<Batch['errors']>['data'];
  /** What its jobs have cost, once it has ended. */
  readonly usage?: UsageCost;
  readonly outputFileId?: FileId;
  readonly errorFileId?: FileId;
  readonly scheduleId?: ScheduleId;
}

/** Seconds in `24h` or `7d`. */
export function windowSeconds(window: string): number {
  return Number.parseInt(window, 10) * (window.endsWith('d') ? 86_400 : 3600);
}

/** Why a line without an outcome has none, once its batch has ended. */
export function unfinishedLineError(status: BatchStatus): JobError {
  return status === 'expired'
    ? jobError('batch_expired', 'The batch expired before this line was done.')
    : jobError('batch_cancelled', 'The batch ended before this line was done.');
}
