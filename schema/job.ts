/** The job object of the API, and the workflow memo from which it is built. */
import { z } from 'zod';
import { ERRORS, type ErrorCode } from '../core/errors.ts';
import { JobId, Sha256 } from './ids.ts';
import { ResolvedSummaryRequest, type SummaryRequest } from './request.ts';
import { SummaryResult } from './result.ts';
import { Usage } from './usage.ts';
import type { UsageCost } from './usage-cost.ts';

export const JobStatus = z.enum([
  'queued',
  'processing',
  'completed',
  'completed_with_gaps',
  'failed',
  'cancelling',
  'cancelled',
]);
export type JobStatus = z.infer<typeof JobStatus>;

/** Whether a job with this status has ended. */
export function isFinalStatus(status: JobStatus): boolean {
  return (
    status === 'completed' ||
    status === 'completed_with_gaps' ||
    status === 'failed' ||
    status === 'cancelled'
  );
}

/** `waiting`: no worker has started what comes next. */
export const Stage = z.enum(['waiting', 'ingest', 'extract', 'describe', 'reduce', 'finish', 'done']);
export type Stage = z.infer<typeof Stage>;

const SegmentCounts = z
  .object({ total: z.int(), done: z.int(), failed: z.int() })
  .meta({ id: 'SegmentCounts' });

export const Progress = z
  .object({
    percent: z
      .number()
      .min(0)
      .max(100)
      .describe('Estimated percentage of the work that is done. It never decreases during a run.'),
    stage: Stage.describe(
      'What the job does now. `waiting`: its next work is queued and no worker has started it.',
    ),
    segments: SegmentCounts,
    eta_seconds: z
      .number()
      .optional()
      .describe(
        'Estimated seconds until the job ends. For a waiting job, the estimate is based on the recent speed of the queue.',
      ),
    queue_position: z
      .int()
      .min(0)
      .optional()
      .describe('Number of unfinished jobs ahead of this one. Present until the first segment is described.'),
  })
  .meta({ id: 'Progress' });
export type Progress = z.infer<typeof Progress>;

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]; // Object.keys loses the literal types

export const JobError = z
  .object({
    code: z.enum(codes).describe('A stable error code.'),
    message: z.string().describe('A description of the error.'),
    hint: z.string().describe('How to resolve the error.'),
    retryable: z.boolean().describe('Whether a retry can succeed.'),
  })
  .meta({ id: 'JobError' });
export type JobError = z.infer<typeof JobError>;

const LedgerSegment = z
  .object({
    index: z.int().describe('Number of the segment, from 0.'),
    attempts: z.int().describe('Number of attempts, from 1.'),
    cached: z.boolean().describe('Whether the caption was reused from an earlier generation.'),
    gpu_seconds: z.number().describe('GPU time in seconds.'),
    vision_calls: z.int().describe('Number of images that the vision encoder processed.'),
    rows: z.number().describe('Average decode batch size, including this generation.'),
    input_tokens: z.int().describe('Charged input tokens: 0 if the caption was cached.'),
    output_tokens: z.int(),
    cost: z.number(),
  })
  .meta({ id: 'LedgerSegment' });

/** The cost of a run. It differs between runs, so it is not part of the result. */
export const Ledger = z
  .object({
    gpu_seconds: z.number().describe('GPU time of the job, in seconds.'),
    wall_seconds: z.number().describe('Time from the start to the end of the run, in seconds.'),
    runtime: z.string().describe('The inference runtime, such as `onnxruntime-node 1.30.0 cpu`.'),
    segments: z.array(LedgerSegment),
    /** Usage of chapter summaries, summary and titles. */
    merging: Usage,
    input_tokens: z.int().describe('Total input tokens of segments and merging.'),
    output_tokens: z.int().describe('Total output tokens of segments and merging.'),
    cost: z.number().describe('Total cost of segments and merging.'),
    currency: z.string().nullable().describe('Null if the server has no prices. In that case, `cost` is 0.'),
  })
  .meta({ id: 'Ledger' });
export type Ledger = z.infer<typeof Ledger>;

export const Job = z
  .object({
    id: JobId,
    object: z.literal('summary'),
    custom_id: z.string().nullable().describe('The `custom_id` of the request.'),
    metadata: z.record(z.string(), z.string()).describe('The `metadata` of the request.'),
    status: JobStatus,
    progress: Progress,
    request: ResolvedSummaryRequest,
    result: z
      .union([SummaryResult, z.null()])
      .describe(
        'The result of the job. During a retry, and after a retry without a result, this is the result of the previous run.',
      ),
    result_sha256: Sha256.nullable().describe('SHA-256 of the stored result.'),
    ledger: z.union([Ledger, z.null()]),
    usage: z
      .union([Usage, z.null()])
      .describe('Usage of the current run so far. Also set if the run ends without a result.'),
    error: z.union([JobError, z.null()]),
    created_at: z.iso.datetime().describe('Time at which the job was created.'),
    started_at: z.iso
      .datetime()
      .nullable()
      .describe('Time at which a worker started the job. Null while it is queued.'),
    completed_at: z.iso
      .datetime()
      .nullable()
      .describe('Time at which the job ended, whatever its status. Null until then.'),
  })
  .meta({ id: 'Summary' });
export type Job = z.infer<typeof Job>;

/** One page of jobs, newest first. Jobs in a list have no result. */
export const JobList = z
  .object({
    object: z.literal('list'),
    data: z.array(Job),
    next_cursor: z.string().nullable().describe('`cursor` of the next page. Null on the last page.'),
  })
  .meta({ id: 'SummaryList' });

/**
 * The memo of the workflow. It can be read without a worker, is below 2 kB, and contains no text that a
 * client sent: request, result and ledger are artifacts.
 */
export interface JobMemo {
  readonly tenant: string;
  /**
   * Digest of the request. Distinguishes a repeated request from another one with the same idempotency key.
   */
  readonly fingerprint: string;
  readonly priority: SummaryRequest['priority'];
  /** Type of the source. */
  readonly type?: SummaryRequest['source']['type'];
  /** A digest of the `custom_id`. */
  readonly customIdKey?: string;
  /** Time at which the job was started, in RFC 3339; the same in every run of the chain. */
  readonly createdAt: string;
  readonly progress?: Progress;
  /** Usage of this run so far. */
  readonly usage?: UsageCost;
  readonly startedAt?: string;
  /** Id of the first run of the chain. */
  readonly run?: string;
  readonly outcome?: JobOutcome;
  /** Id of the run that this one retries. */
  readonly retryOf?: string;
  /** Result before this retry. Returned until this run has a result. */
  readonly earlier?: EarlierResult;
}

/** A result and the run that produced it. */
export interface EarlierResult {
  readonly run: string;
  readonly result: NonNullable<JobOutcome['result']>;
  readonly ledger?: string;
}

export interface JobOutcome {
  readonly status: 'completed' | 'completed_with_gaps' | 'failed' | 'cancelled';
  readonly error?: JobError;
  /** Artifact name and content hash of the result. */
  readonly result?: { readonly name: string; readonly sha256: string };
  /** Artifact name of the ledger. */
  readonly ledger?: string;
}
