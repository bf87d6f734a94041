/**
 * What travels between a workflow and its activities: small JSON and artifact names, at most 64 KB each. Blobs stay in the
 * store.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { JobEvent } from './events.ts';
import type { JobId } from './ids.ts';
import type { JobError, Progress } from './job.ts';
import type { ModelPlan } from './model-plan.ts';
import type { MergeOutcome, SegmentOutcome } from './shards.ts';
import type { SourceInfo, VideoInfo } from './source.ts';
import type { JobOptions } from './stored-request.ts';
import type { GenerationStats, PricedUsage, Prices, UsageCost } from './usage-cost.ts';

/** The argument of the `summarize` workflow. */
export interface SummarizeInput {
  readonly jobId: JobId;
  readonly tenant: string;
  /** Where the run before left off, in a run that continues one; callers never set it. */
  readonly state?: JobState;
}

/**
 * All that a run of the workflow hands to the next one. It does not grow with the source: what does is in shards, which are
 * named by their numbers.
 */
export interface JobState {
  readonly startedAt: string;
  /** Id of the next event. */
  readonly nextEvent: number;
  readonly progress: Progress;
  readonly ingested?: IngestOutput;
  readonly transcript?: TranscriptRef;
  readonly extracted?: ExtractedState;
  readonly planned?: PlanOutput;
  readonly slideMatches?: string;
  readonly described?: DescribedState;
  readonly merged?: MergedState;
  readonly usage?: UsageCost;
}

export interface ExtractedState {
  /** Number of the next span. */
  readonly next: number;
  readonly kept: number;
  /** Slides whose picture is missing. */
  readonly gaps: number;
}

export interface DescribedState {
  /** Number of the next segment. */
  readonly next: number;
  readonly done: number;
  readonly failed: number;
  /** When the first segment was begun, in milliseconds. */
  readonly startedAtMs: number;
  /** Why the first of the failed ones failed. */
  readonly error?: JobError;
}

export interface MergedState {
  /** Number of groups of each level so far. */
  readonly levels: readonly number[];
  /** Next group of the last of these levels. */
  readonly next: number;
  /** Generation of the last merged text: of the summary, once a level has a single group. */
  readonly text?: string;
  /** Generation of the title of the job, likewise. */
  readonly jobTitle?: string;
}

/** The job and the first run of its chain of runs: together they name its artifacts. */
export interface JobRef {
  readonly jobId: JobId;
  readonly run: string;
}

/** What the slides of a deck are read from. */
export interface DeckFiles {
  readonly sha256: string;
  readonly pages: number;
  /** Artifact of the PDF whose pages are their pictures; absent where there are none, and `missing` says why. */
  readonly pdf?: string;
  readonly noImagesReason?: ErrorCode;
  /** Artifact of the words of a PPTX. A PDF has them in its pages. */
  readonly slideText?: string;
  /** Artifact of the password of the PDF. */
  readonly password?: string;
}

export interface IngestInput {
  readonly jobId: JobId;
}

export interface IngestOutput {
  readonly source: SourceInfo;
  readonly options: JobOptions;
  /** Artifact with the bytes of the source; for image lists, with the list of their artifacts. */
  readonly artifact: string;
  /** Requested slides, for decks and image lists; else empty. Written as ranges: `[first, last]`, both included. */
  readonly slides: readonly (readonly [number, number])[];
  /** Of a deck, or of the deck that a video shows. */
  readonly deck?: DeckFiles;
  readonly model: ModelPlan;
  /** Of the worker that took the job in; absent where it has none. */
  readonly prices?: Prices;
}

/** The stretches in which the sampler decides: of `seconds` each, from the beginning of a chunk to its end. */
export interface SampleWindows {
  readonly origin: number;
  readonly end: number;
  readonly seconds: number;
}

/**
 * How candidates are found among the frames of a video; all times from the first shown frame. `grid`: the first frame at or
 * after each point `origin + k * interval`. The others are policies of `media/sampling/`.
 */
export type Sampler =
  | {
      readonly mode: 'grid';
      readonly origin: number;
      readonly interval: number;
      readonly windows: SampleWindows;
    }
  | { readonly mode: 'adaptive' | 'scene' | 'keyframe'; readonly windows: SampleWindows };

export type ExtractSpan =
  | {
      readonly kind: 'video';
      readonly start: number;
      readonly end: number;
      readonly sampler: Sampler;
    }
  | { readonly kind: 'slides'; readonly slides: readonly number[] };

export interface ExtractFramesInput {
  readonly source: SourceInfo;
  readonly artifact: string;
  readonly deck?: DeckFiles;
  readonly span: ExtractSpan;
  /** `num_crops` of the model's pictures: slides are drawn as large as these can show. */
  readonly crops: number;
}

export interface ExtractFramesOutput {
  /** Artifact that holds frames, slide texts and decisions of this span. */
  readonly extraction: string;
  readonly kept: number;
  readonly dropped: number;
  /** Slides whose picture is missing. */
  readonly gaps: number;
}

export interface ReadTranscriptInput {
  readonly jobId: JobId;
  readonly source: VideoInfo;
  readonly artifact: string;
  /** Seconds of the video that matter. */
  readonly range: { readonly start: number; readonly end: number };
}

/** Words of a video: an artifact of cues, and where they are from. */
export interface TranscriptRef {
  readonly artifact: string;
  readonly from: 'request' | 'track' | 'speech';
}

export interface ReadTranscriptOutput {
  /** Absent where the video has none. */
  readonly transcript?: TranscriptRef;
}

export interface MatchSlidesInput extends JobRef {
  readonly deck: DeckFiles;
  /** Number of shards with the names of extractions. */
  readonly extractions: number;
  /** As in the plan. */
  readonly maxFrames?: number;
  /** Where the last frame ends, in seconds. */
  readonly end: number;
}

export interface MatchSlidesOutput {
  /** Artifact that says which slide each frame shows, and holds the words of the slides with their times. */
  readonly slideMatches: string;
}

export interface PlanInput extends JobRef {
  readonly source: SourceInfo;
  /** Number of shards with the names of extractions. */
  readonly extractions: number;
  /** Most frames of the job; without: all. */
  readonly maxFrames?: number;
  readonly transcript?: TranscriptRef;
  readonly model: ModelPlan;
}

export interface PlanOutput {
  readonly segments: number;
  readonly frames: number;
  /** Most tokens that any of the segments can take. */
  readonly maxSegmentTokens?: Pick<PricedUsage, 'inputTokens' | 'outputTokens'>;
}

/** Segments `[from, to)` of a shard. */
export interface PreprocessFramesInput extends JobRef {
  readonly shard: number;
  readonly from: number;
  readonly to: number;
}

export interface PreprocessFailure {
  readonly entry: number;
  readonly reason: ErrorCode;
  readonly message: string;
  readonly attempts: number;
}

export interface PreprocessFramesOutput {
  /** Segments whose pictures cannot be made: their places in the shard, and why. */
  readonly failures: readonly PreprocessFailure[];
}

export interface TokenUsage {
  readonly imageTokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Segment `at` of a shard. */
export interface DescribeSegmentInput extends JobRef {
  readonly shard: number;
  readonly entry: number;
}

export interface DescribeSegmentOutput extends GenerationStats {
  readonly generation: string;
  /** As in the outcome. */
  readonly distinctCaptions: number;
  readonly firstCaptionHash?: string;
  readonly lastCaptionHash?: string;
}

export interface PlanMergesInput extends JobRef {
  /** 0 merges captions into sections, each further one the texts of the one before. */
  readonly level: number;
  /** Number of entries of the level before; on level 0 of segments. */
  readonly entries: number;
  readonly model: ModelPlan;
}

export interface PlanMergesOutput {
  readonly groups: number;
}

export interface FindMissingInput extends JobRef {
  /** Number of segments. */
  readonly segments: number;
  /** Number of groups of each level of merging that is done. */
  readonly levels: readonly number[];
}

/** What has to be made again: a segment's caption, or what was made of a group of a level. */
export type MissingGeneration =
  | { readonly segment: number }
  | { readonly level: number; readonly group: number };

export interface FindMissingOutput {
  /** The first ones, lower levels before higher. */
  readonly missing: readonly MissingGeneration[];
}

/** Merges group `at` of a shard of a level. */
export interface ReduceInput extends JobRef {
  /** `section`: captions become one text with a title. `summary`: texts become one text. */
  readonly kind: 'section' | 'summary';
  readonly level: number;
  readonly shard: number;
  readonly entry: number;
  /** Most tokens of the text; titles have their own limit in the plan. */
  readonly maxTokens: number;
  /** The only group of its level: its text is the summary of the job, which gets a title. */
  readonly isLast?: true;
  /** Missing inputs are left out. */
  readonly allowMissing?: true;
}

export interface ReduceOutput extends GenerationStats {
  readonly generation: string;
  /** Of a section. */
  readonly title?: TitleOutput;
  /** Of the last group. */
  readonly jobTitle?: TitleOutput;
  /** A group of one text: nothing was made, `generation` is that text. */
  readonly isUnchanged?: true;
}

export interface TitleOutput extends GenerationStats {
  readonly generation: string;
  readonly text: string;
}

export interface FinishInput extends JobRef {
  readonly source: SourceInfo;
  readonly range?: { readonly start: number; readonly end: number };
  /** Number of shards with the names of extractions. */
  readonly extractions: number;
  /** As in the plan. */
  readonly maxFrames?: number;
  readonly transcript?: TranscriptRef;
  /** Artifact of `matchSlides`. */
  readonly slideMatches?: string;
  /** Number of segments. */
  readonly segments: number;
  /** Number of groups of each level of merging. */
  readonly levels: readonly number[];
  /** Generations of the summary and of its title. */
  readonly summary: string;
  readonly title: string;
  readonly prices?: Prices;
  readonly startedAt: string;
  readonly model: ModelPlan;
  /** A segment whose caption is missing is a gap. */
  readonly allowMissing?: true;
}

export interface FinishOutput {
  readonly result: { readonly name: string; readonly sha256: string };
  readonly ledger: string;
  /** Segments that became gaps here: their captions are missing. */
  readonly missingSegments?: number;
}

type SegmentCompleted = Extract<JobEvent, { readonly type: 'segment.completed' }>;

/** A `segment.completed` that only names what it shows: captions stay out of histories. */
export type SegmentCompletedRef = Omit<SegmentCompleted, 'segment'> & {
  readonly segment: { readonly index: number; readonly generation: string; readonly cached: boolean };
};

/** An event on its way into the log. */
export type LoggedEvent = Exclude<JobEvent, SegmentCompleted> | SegmentCompletedRef;

export interface AppendEventsInput extends JobRef {
  readonly events: readonly LoggedEvent[];
}

/** A shard of what a stage made. */
export type StoreShardInput = JobRef & { readonly shard: number } & (
    | { readonly kind: 'extractions'; readonly entries: readonly string[] }
    | { readonly kind: 'described'; readonly entries: readonly SegmentOutcome[] }
    | { readonly kind: `merged-${number}`; readonly entries: readonly MergeOutcome[] }
  );

/** What a failed activity says besides code and message. */
export interface FailureDetails {
  /** The attempt that failed. */
  readonly attempts: number;
}
