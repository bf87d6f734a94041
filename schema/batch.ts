/**
 * Batches: many jobs from one file of JSON lines. The batch object and its lines are compatible with OpenAI's
 * Batch API, with times in Unix seconds. The descriptions name the members that Frameloom adds.
 */
import { z } from 'zod';
import { jobError } from '../core/errors.ts';
import { ExpiresAfter } from './file.ts';
import { BatchId, FileId, type JobId, ScheduleId } from './ids.ts';
import type { JobError } from './job.ts';
import { Metadata, SummaryRequest } from './request.ts';
import { BatchUsage } from './usage.ts';
import type { UsageCost } from './usage-cost.ts';
import type { Versioned } from './versioned.ts';

/** Maximum number of lines in a batch, and of bytes in its file: OpenAI's limits. */
export const MAX_BATCH_LINES = 50_000;
export const MAX_BATCH_BYTES = 200_000_000;
/** Maximum number of bytes in the body of one line. */
export const MAX_LINE_BYTES = 48_000;
/** Number of lines in one artifact. */
export const LINES_PER_SHARD = 100;
/** Maximum completion window in seconds. Files that lines refer to are kept at least this long. */
const MAX_WINDOW = 30 * 86_400;
export const DEFAULT_IN_FLIGHT = 16;
/** Temporal's recommended maximum of concurrent child workflows. */
export const MAX_IN_FLIGHT = 500;

const Endpoint = z.literal('/v1/summaries');
const InFlight = z
  .int()
  .min(1)
  .max(MAX_IN_FLIGHT)
  .describe(
    `Maximum number of concurrent jobs. The default is ${DEFAULT_IN_FLIGHT}. It can be changed while the batch runs.`,
  );

/** One line of the input file. */
export const BatchRequestLine = z
  .strictObject({
    custom_id: z.string().min(1).max(128).describe('Identifies the line. Must be unique within the batch.'),
    method: z.literal('POST'),
    url: Endpoint,
    body: SummaryRequest,
  })
  .meta({ id: 'BatchRequestLine' });

export const BatchCreate = z
  .strictObject({
    input_file_id: FileId.optional().describe(
      'The ID of a file of JSON lines that was uploaded with purpose `batch`.',
    ),
    requests: z
      .array(z.unknown())
      .min(1)
      .max(MAX_BATCH_LINES)
      .optional()
      .describe('The lines of the batch, instead of a file.'),
    endpoint: Endpoint,
    completion_window: z
      .string()
      .regex(/^[1-9]\d{0,2}[hd]$/, { error: 'must be hours or days, such as 24h or 7d' })
      .refine((window) => windowSeconds(window) <= MAX_WINDOW, { error: 'must be 30 days at most' })
      .default('24h')
      .describe(
        'Time limit in hours or days, such as `24h` or `7d`. Lines that are not finished by then expire.',
      ),
    metadata: Metadata.nullish(),
    // When the output and error files of the batch expire.
    output_expires_after: ExpiresAfter.optional(),
    max_in_flight: InFlight.optional(),
    fail_fast: z.boolean().default(false).describe('Whether one invalid line rejects the whole batch.'),
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

const time = z.int().optional().describe('Unix time in seconds.');

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
    line: z.int().nullable().describe('Number of the line, from 1.'),
    param: z.string().nullable().describe('The invalid field of the line.'),
  })
  .meta({ id: 'BatchError' });

const BatchErrors = z.object({ object: z.literal('list'), data: z.array(BatchError) }).meta({
  id: 'BatchErrors',
  description: 'The first invalid lines. They are also in the error file and do not stop the batch.',
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
    completion_window: z.string().describe('Time limit of the batch, such as `24h`.'),
    status: BatchStatus.describe(
      'Status of the batch. `paused` is a Frameloom extension of the OpenAI object.',
    ),
    output_file_id: FileId.optional().describe(
      'File with the lines that have a result. Set once the batch has ended.',
    ),
    error_file_id: FileId.optional().describe(
      'File with the lines that have no result. Set once the batch has ended.',
    ),
    created_at: z.int().describe('Time of creation, in Unix seconds.'),
    expires_at: z.int().describe('Time at which unfinished lines expire, in Unix seconds.'),
    ...BatchTimes.shape,
    request_counts: BatchRequestCounts,
    metadata: z.record(z.string(), z.string()).nullable(),
    max_in_flight: z.int().describe('Maximum number of concurrent jobs. Frameloom extension.'),
    round: z
      .int()
      .describe('Number of the current run of the batch: 1, plus 1 for each retry. Frameloom extension.'),
    usage: BatchUsage.optional(),
    schedule_id: ScheduleId.optional().describe('The schedule that started the batch. Frameloom extension.'),
  })
  .meta({ id: 'Batch' });
export type Batch = z.infer<typeof Batch>;

export const BatchList = z
  .object({
    object: z.literal('list'),
    data: z.array(Batch),
    first_id: z.string().nullable(),
    last_id: z.string().nullable().describe('`after` of the next page.'),
    has_more: z.boolean().describe('Whether there is another page.'),
  })
  .meta({ id: 'BatchList' });

/** The error of an invalid line. */
export interface LineError {
  readonly code: JobError['code'];
  readonly message: string;
  readonly param?: string;
}

/** A validated line as it is stored in a shard. Lines are numbered from 1, as in editors. */
export type ShardLine = { readonly line: number } & (
  | {
      readonly customId: string;
      readonly jobId: JobId;
      readonly fingerprint: string;
      readonly request: SummaryRequest;
      /** As in `StoredRequest`. */
      readonly hasTranscript?: true;
    }
  | { readonly customId: string | null; readonly error: LineError }
);

export const BATCH_TEXTS_VERSION = 1;

/** What a client sent with a batch or schedule, and messages that may quote it: an artifact. */
export interface BatchTexts extends Versioned {
  readonly version: typeof BATCH_TEXTS_VERSION;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** The first invalid lines. */
  readonly errors: NonNullable<Batch['errors']>['data'];
}

/**
 * The memo of a batch. It can be read without a worker, is small, and has ids, counts, times and names but no
 * text that a client sent.
 */
export interface BatchMemo {
  readonly tenant: string;
  /** Digest of the request. Distinguishes a repeated request from another one with the same key. */
  readonly fingerprint: string;
  /** Part of the names of the shards of the batch. */
  readonly input: string;
  readonly inputFileId: FileId | null;
  readonly completionWindow: string;
  /** Whether the batch has an artifact of its metadata and of errors of its lines. */
  readonly hasTexts?: true;
  /** Memos of earlier versions have the texts themselves. */
  readonly metadata?: BatchTexts['metadata'];
  readonly errors?: BatchTexts['errors'];
  readonly shards: number;
  readonly total: number;
  /** Number of invalid lines, which fail in every round. */
  readonly invalid: number;
  readonly round: number;
  readonly maxInFlight: number;
  /** Seconds after which the output and error files expire. */
  readonly outputExpiresAfter?: number;
  /** Unix time in seconds. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly status: BatchStatus;
  readonly completed: number;
  readonly failed: number;
  readonly times: BatchTimes;
  /** Total usage of the jobs of the batch; set once the batch has ended. */
  readonly usage?: UsageCost;
  readonly outputFileId?: FileId;
  readonly errorFileId?: FileId;
  readonly scheduleId?: ScheduleId;
}

/** Converts a window such as `24h` or `7d` to seconds. */
export function windowSeconds(window: string): number {
  return Number.parseInt(window, 10) * (window.endsWith('d') ? 86_400 : 3600);
}

/** The error of a line that has no outcome when its batch ends. */
export function unfinishedLineError(status: BatchStatus): JobError {
  return status === 'expired'
    ? jobError('batch_expired', 'The batch expired before this line was finished.')
    : jobError('batch_cancelled', 'The batch ended before this line was finished.');
}
