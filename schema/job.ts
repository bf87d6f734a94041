/** A job as clients see it, and the memo in which its workflow keeps what clients may ask for at any moment. */
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

/** Whether a job in this status will not change any more. */
export function isFinalStatus(status: JobStatus): boolean {
  return (
    status === 'completed' ||
    status === 'completed_with_gaps' ||
    status === 'failed' ||
    status === 'cancelled'
  );
}

export const Stage = z.enum(['queued', 'ingest', 'extract', 'describe', 'reduce', 'finish', 'done']);
export type Stage = z.infer<typeof Stage>;

const SegmentCounts = z
  .object({ total: z.int(), done: z.int(), failed: z.int() })
  .meta({ id: 'SegmentCounts' });

export const Progress = z
  .object({
    percent: z.number().min(0).max(100),
    stage: Stage,
    segments: SegmentCounts,
    eta_seconds: z
      .number()
      .optional()
      .describe(
        'Seconds to the end, by the speed so far; while the job waits, by how fast the line has moved lately.',
      ),
    queue_position: z
      .int()
      .min(0)
      .optional()
      .describe('Unfinished jobs that go first, while nothing of this one has been described.'),
  })
  .meta({ id: 'Progress' });
export type Progress = z.infer<typeof Progress>;

const codes = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]]; // Object.keys loses the literal types

export const JobError = z
  .object({ code: z.enum(codes), message: z.string(), hint: z.string(), retryable: z.boolean() })
  .meta({ id: 'JobError' });
export type JobError = z.infer<typeof JobError>;

const LedgerSegment = z
  .object({
    index: z.int(),
    attempts: z.int(),
    cached: z.boolean(),
    gpu_seconds: z.number(),
    vision_calls: z.int().describe('Pictures that the vision graph was run for.'),
    rows: z.number().describe('Answers that decoded together with this one, itself included, on average.'),
    input_tokens: z.int().describe('Charged tokens: 0 where the caption was found.'),
    output_tokens: z.int(),
    cost: z.number(),
  })
  .meta({ id: 'LedgerSegment' });

/** What the run cost: differs from run to run, and so stands beside the result. */
export const Ledger = z
  .object({
    gpu_seconds: z.number().describe('Time the model was busy for this job, in seconds.'),
    wall_seconds: z.number(),
    runtime: z.string().describe('Such as `onnxruntime-node 1.30.0 cpu`.'),
    segments: z.array(LedgerSegment),
    /** Of sections, summary and titles. */
    merging: Usage,
    input_tokens: z.int().describe('The sum over segments and merging; so are the next two.'),
    output_tokens: z.int(),
    cost: z.number(),
    currency: z.string().nullable().describe('Null where the server has no prices; `cost` is 0 then.'),
  })
  .meta({ id: 'Ledger' });
export type Ledger = z.infer<typeof Ledger>;

export const Job = z
  .object({
    id: JobId,
    object: z.literal('summary'),
    custom_id: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    status: JobStatus,
    progress: Progress,
    request: ResolvedSummaryRequest,
    result: z
      .union([SummaryResult, z.null()])
      .describe('During a retry, and after one that made none: what the run before it made.'),
    result_sha256: Sha256.nullable().describe('Hash of the stored result.'),
    ledger: z.union([Ledger, z.null()]),
    usage: z
      .union([Usage, z.null()])
      .describe('What this run has cost so far, also where it ends without a result.'),
    error: z.union([JobError, z.null()]),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    completed_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Summary' });
export type Job = z.infer<typeof Job>;

/** One page of jobs, newest first; jobs in a list carry no result. */
export const JobList = z
  .object({ object: z.literal('list'), data: z.array(Job), next_cursor: z.string().nullable() })
  .meta({ id: 'SummaryList' });

/**
 * The memo of the workflow: readable without any worker, and small (below 2 kB). Request, result and ledger are artifacts; it
 * contains no text that a client sent.
 */
export interface JobMemo {
  readonly tenant: string;
  /** Digest of the request, which distinguishes a repeated request from another one under the same idempotency key. */
  readonly fingerprint: string;
  readonly priority: SummaryRequest['priority'];
  /** When the job was started; the runs that continue it keep this time. RFC 3339. */
  readonly createdAt: string;
  readonly progress?: Progress;
  /** What this run has cost so far. */
  readonly usage?: UsageCost;
  readonly startedAt?: string;
  /** The first of its runs. */
  readonly run?: string;
  readonly outcome?: JobOutcome;
  /** Run that ended before its time or with gaps, after which a client asked for this one. */
  readonly retryOf?: string;
  /** What the runs before this retry made: it stands until this run has made something. */
  readonly earlier?: EarlierResult;
}

/** A result and the run whose it is. */
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
