/** The request of a job as the store keeps it. Temporal carries only the job's id: text that a client sent stays in the store. */
import type { SummaryRequest } from './request.ts';
import type { Versioned } from './versioned.ts';

export const REQUEST_VERSION = 1;

/** The artifact `requests/<job id>.json`. Immutable: the first request under a job's id stands. */
export interface StoredRequest extends Versioned {
  readonly version: typeof REQUEST_VERSION;
  readonly tenant: string;
  /** Digest of the request as the client sent it, with references in place of passwords. */
  readonly fingerprint: string;
  /** Without passwords and transcripts, which are artifacts of their own. */
  readonly request: SummaryRequest;
  /** Whether the client sent a transcript with the request. It is an artifact of the job. */
  readonly hasTranscript?: true;
}

/** The settings of a request that decide the course of its workflow: numbers and choices, no text. */
export type JobOptions = Pick<
  SummaryRequest,
  'sampling' | 'start_time' | 'end_time' | 'chunk_duration' | 'max_cost' | 'max_tokens'
> & {
  /** Characters of a merge prompt that are from the client. */
  readonly mergePromptLength: number;
};

/** The part of `request` that a workflow may know. */
export function jobOptions(request: SummaryRequest): JobOptions {
  const { sampling, start_time, end_time, chunk_duration, max_cost, max_tokens } = request;
  const mergePromptLength = (request.prompt?.length ?? 0) + (request.summary_prompt?.length ?? 0);
  return { sampling, start_time, end_time, chunk_duration, max_cost, max_tokens, mergePromptLength };
}
