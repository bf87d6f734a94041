/**
 * The stored request of a job. Temporal only has the id of the job: text that a client sent stays in the
 * store.
 */
import type { BatchId } from './ids.ts';
import type { SummaryRequest } from './request.ts';
import type { Versioned } from './versioned.ts';

export const REQUEST_VERSION = 1;

/** The line of a batch that a job was made for. */
export interface BatchLineRef {
  readonly batchId: BatchId;
  readonly input: string;
  readonly shard: number;
  readonly line: number;
}

/**
 * The artifact `requests/<job id>.json`. Immutable: a later request with the same job id does not replace it.
 */
export interface StoredRequest extends Versioned {
  readonly version: typeof REQUEST_VERSION;
  readonly tenant: string;
  /** Digest of the request as the client sent it, with references in place of passwords. */
  readonly fingerprint: string;
  /** The request without passwords and transcripts, which are separate artifacts. */
  readonly request: SummaryRequest;
  /** Whether the request had a transcript, which is a separate artifact of the job. */
  readonly hasTranscript?: true;
  /** Absent for a job that belongs to no batch. */
  readonly line?: BatchLineRef;
}

/** The settings of a request that control its workflow: numbers and choices, no text. */
export type JobOptions = Pick<
  SummaryRequest,
  'sampling' | 'start_time' | 'end_time' | 'chunk_duration' | 'max_cost' | 'max_tokens'
> & {
  /** Number of characters in a merge prompt that come from the client. */
  readonly mergePromptLength: number;
};

/** Returns the part of `request` that is passed to workflows. */
export function jobOptions(request: SummaryRequest): JobOptions {
  const { sampling, start_time, end_time, chunk_duration, max_cost, max_tokens } = request;
  const mergePromptLength = (request.prompt?.length ?? 0) + (request.summary_prompt?.length ?? 0);
  return { sampling, start_time, end_time, chunk_duration, max_cost, max_tokens, mergePromptLength };
}
