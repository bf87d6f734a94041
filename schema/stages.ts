/**
 * Inputs and outputs of activities: small JSON with artifact names, at most 64 KB each. Blobs stay in the
 * store.
 */
import type { ErrorCode } from '../core/errors.ts';
import type { JobEvent } from './events.ts';
import type { JobId } from './ids.ts';
import type { JobError, Progress } from './job.ts';
import type { ModelPlan } from './model-plan.ts';
import type { MergeOutcome, SegmentOutcome } from './shards.ts';
import type { SkippedCues, SourceInfo, VideoInfo } from './source.ts';
import type { JobOptions } from './stored-request.ts';
import type { TextEncoding } from './text-encodings.ts';
import type { GenerationStats, PricedUsage, Prices, UsageCost } from './usage-cost.ts';

/** The argument of the `summarize` workflow. */
export interface SummarizeInput {
  readonly jobId: JobId;
  readonly tenant: string;
  /** State of the previous run of the chain; callers never set it. */
  readonly state?: JobState;
}

/**
 * The state that a run of the workflow passes to the next one. It does not grow with the source: data that
 * does is stored in shards.
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
  /** Number of slides without an image. */
  readonly gaps: number;
}

export interface DescribedState {
  /** Number of the next segment. */
  readonly next: number;
  readonly done: number;
  readonly failed: number;
  /** Start time of the first segment, in Unix milliseconds. */
  readonly startedAtMs: number;
  /** Error of the first failed segment. */
  readonly error?: JobError;
}

export interface MergedState {
  /** Number of groups on each level so far. */
  readonly levels: readonly number[];
  /** Number of the next group on the last of these levels. */
  readonly next: number;
  /** Generation of the last merged text; the summary once a level has a single group. */
  readonly text?: string;
  /** Generation of the title of the job; set once a level has a single group. */
  readonly jobTitle?: string;
}

/** The job and the first run of its chain. Together they name the artifacts of the job. */
export interface JobRef {
  readonly jobId: JobId;
  readonly run: string;
}

/** The artifacts that the slides of a deck are read from. */
export interface DeckFiles {
  readonly sha256: string;
  readonly pages: number;
  /** Artifact of the PDF from which slides are rendered; absent if there is none, with `noImagesReason`. */
  readonly pdf?: string;
  readonly noImagesReason?: ErrorCode;
  /** Artifact of the slide text of a PPTX. A PDF contains its own text. */
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
  /** Requested slides of decks and image lists, as inclusive ranges `[first, last]`; otherwise empty. */
  readonly slides: readonly (readonly [number, number])[];
  /** Files of the deck, or of the deck of a video. */
  readonly deck?: DeckFiles;
  readonly model: ModelPlan;
  /** Prices of the worker that ingested the source; absent if it has none. */
  readonly prices?: Prices;
}

/** The windows in which the sampler decides: `seconds` long, from the start of a chunk to its end. */
export interface SampleWindows {
  readonly origin: number;
  readonly end: number;
  readonly seconds: number;
}

/**
 * How candidates are selected among the frames of a video. Times are in seconds from the first displayed
 * frame. `grid`: the first frame at or after each point `origin + k * interval`. The other modes are policies
 * of `media/sampling/`.
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
  /** `num_crops` of the preprocessing. Determines the size at which slides are rendered. */
  readonly crops: number;
}

export interface ExtractFramesOutput {
  /** Artifact with the frames, slide texts and sampling decisions of this span. */
  readonly extraction: string;
  readonly kept: number;
  readonly dropped: number;
  /** Number of slides without an image. */
  readonly gaps: number;
}

export interface ReadTranscriptInput {
  readonly jobId: JobId;
  readonly source: VideoInfo;
  readonly artifact: string;
  /** The requested range of the video, in seconds. */
  readonly range: { readonly start: number; readonly end: number };
}

/** The transcript of a video: an artifact of cues, and their origin. */
export interface TranscriptRef {
  readonly artifact: string;
  readonly from: 'request' | 'track' | 'speech';
  /** Number of the stream that it was read from. */
  readonly stream?: number;
  /** Encoding of the file, where it is not a form of Unicode. */
  readonly encoding?: TextEncoding;
  /** Cues without a place in the transcript. */
  readonly skipped?: SkippedCues;
  /** Parts of the source without a transcript. */
  readonly gaps?: readonly TranscriptGap[];
}

/** A part of the source that could not be transcribed, in seconds. */
export interface TranscriptGap {
  readonly start: number;
  readonly end: number;
  readonly reason: ErrorCode;
  readonly attempts: number;
}

export interface ReadTranscriptOutput {
  /** Absent if the video has no transcript. */
  readonly transcript?: TranscriptRef;
}

export interface MatchSlidesInput extends JobRef {
  readonly deck: DeckFiles;
  /** Number of shards of kind `extractions`. */
  readonly extractions: number;
  /** As in `PlanInput`. */
  readonly maxFrames?: number;
  /** End of the last frame, in seconds. */
  readonly end: number;
}

export interface MatchSlidesOutput {
  /** Artifact with the slide that each frame displays, and the text and times of the slides. */
  readonly slideMatches: string;
}

export interface PlanInput extends JobRef {
  readonly source: SourceInfo;
  /** Number of shards of kind `extractions`. */
  readonly extractions: number;
  /** Maximum number of frames of the job; without it, all frames are kept. */
  readonly maxFrames?: number;
  readonly transcript?: TranscriptRef;
  readonly model: ModelPlan;
}

export interface PlanOutput {
  readonly segments: number;
  readonly frames: number;
  /** Maximum number of tokens that any of the segments can use. */
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
  /** Segments whose images cannot be preprocessed: their positions in the shard, and the errors. */
  readonly failures: readonly PreprocessFailure[];
}

export interface TokenUsage {
  readonly imageTokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Segment `entry` of a shard. */
export interface DescribeSegmentInput extends JobRef {
  readonly shard: number;
  readonly entry: number;
}

export interface DescribeSegmentOutput extends GenerationStats {
  readonly generation: string;
  /** As in `DescribedSegment`. */
  readonly distinctCaptions: number;
  readonly firstCaptionHash?: string;
  readonly lastCaptionHash?: string;
}

export interface PlanMergesInput extends JobRef {
  /** Level 0 merges captions into sections; each higher level merges the texts of the level below. */
  readonly level: number;
  /** Number of entries on the level below; on level 0, of segments. */
  readonly entries: number;
  readonly model: ModelPlan;
}

export interface PlanMergesOutput {
  readonly groups: number;
}

export interface FindMissingInput extends JobRef {
  /** Number of segments. */
  readonly segments: number;
  /** Number of groups on each finished merge level. */
  readonly levels: readonly number[];
}

/** A generation to repeat: the captions of a segment, or the texts of a merge group. */
export type MissingGeneration =
  | { readonly segment: number }
  | { readonly level: number; readonly group: number };

export interface FindMissingOutput {
  /** The first missing generations, lower levels first. */
  readonly missing: readonly MissingGeneration[];
}

/** Merges group `entry` of a shard of a level. */
export interface ReduceInput extends JobRef {
  /** `section`: merges captions into one text with a title. `summary`: merges texts into one. */
  readonly kind: 'section' | 'summary';
  readonly level: number;
  readonly shard: number;
  readonly entry: number;
  /** Maximum number of tokens in the text. Titles have their own limit in the plan. */
  readonly maxTokens: number;
  /** Whether this is the only group of its level: its text is the summary, and the job gets a title. */
  readonly isLast?: true;
  /** Whether missing inputs are left out instead of failing the activity. */
  readonly allowMissing?: true;
}

export interface ReduceOutput extends GenerationStats {
  readonly generation: string;
  /** Title of a section. */
  readonly title?: TitleOutput;
  /** Title of the job; last group only. */
  readonly jobTitle?: TitleOutput;
  /** Whether the group has one text, which is `generation`; the model was not run. */
  readonly isUnchanged?: true;
}

export interface TitleOutput extends GenerationStats {
  readonly generation: string;
}

export interface FinishInput extends JobRef {
  readonly source: SourceInfo;
  readonly range?: { readonly start: number; readonly end: number };
  /** Number of shards of kind `extractions`. */
  readonly extractions: number;
  /** As in `PlanInput`. */
  readonly maxFrames?: number;
  readonly transcript?: TranscriptRef;
  /** Output of `matchSlides`. */
  readonly slideMatches?: string;
  /** Number of segments. */
  readonly segments: number;
  /** Number of groups on each merge level. */
  readonly levels: readonly number[];
  /** Generations of the summary and of its title. */
  readonly summary: string;
  readonly title: string;
  readonly prices?: Prices;
  readonly startedAt: string;
  readonly model: ModelPlan;
  /** Whether a segment with missing captions becomes a gap instead of failing the activity. */
  readonly allowMissing?: true;
}

export interface FinishOutput {
  readonly result: { readonly name: string; readonly sha256: string };
  readonly ledger: string;
  /** Number of segments that became gaps because their captions are missing. */
  readonly missingSegments?: number;
}

type SegmentCompleted = Extract<JobEvent, { readonly type: 'segment.completed' }>;

/** A `segment.completed` event with a reference to its captions, which therefore stay out of histories. */
export type SegmentCompletedRef = Omit<SegmentCompleted, 'segment'> & {
  readonly segment: { readonly index: number; readonly generation: string; readonly cached: boolean };
};

/** An event as the workflow passes it to `appendEvents`. */
export type LoggedEvent = Exclude<JobEvent, SegmentCompleted> | SegmentCompletedRef;

export interface AppendEventsInput extends JobRef {
  readonly events: readonly LoggedEvent[];
}

/** A shard of the output of a stage. */
export type StoreShardInput = JobRef & { readonly shard: number } & (
    | { readonly kind: 'extractions'; readonly entries: readonly string[] }
    | { readonly kind: 'described'; readonly entries: readonly SegmentOutcome[] }
    | { readonly kind: `merged-${number}`; readonly entries: readonly MergeOutcome[] }
  );

/** Details of a failed activity, in addition to code and message. */
export interface FailureDetails {
  /** Number of the attempt that failed, from 1. */
  readonly attempts: number;
}
