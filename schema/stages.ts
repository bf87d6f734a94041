/**
 * What travels between a workflow and its activities: small JSON and artifact names, at most 64 KB each. Blobs stay in the
 * store.
 */
import type { ErrorCode } from './errors.ts';
import type { JobEvent } from './events.ts';
import type { FileId, JobId } from './ids.ts';
import type { SourceRequest, SummaryRequest } from './request.ts';
import type { Frame, SourceInfo, VideoInfo } from './source.ts';

/** The argument of the `summarize` workflow. */
export interface SummarizeInput {
  readonly jobId: JobId;
  readonly tenant: string;
  readonly request: SummaryRequest;
}

/** What the plan needs to know of the model, and what a GPU worker checks itself against. */
export interface ModelPlan {
  readonly name: string;
  readonly revision: string;
  /** `num_crops` for the requested detail. */
  readonly crops: number;
  readonly maxImages: number;
  readonly promptTokens: number;
  readonly merge: { readonly captions: number; readonly parts: number };
  readonly tokens: { readonly captionPerImage: number; readonly summary: number; readonly title: number };
  readonly evidence: number;
  /** Most tokens of words that a caption prompt may quote; 0 for models that do not follow instructions. */
  readonly wordTokens: number;
}

/** What the slides of a deck are read from. */
export interface DeckParts {
  readonly sha256: string;
  readonly pages: number;
  /** Artifact of the PDF whose pages are their pictures; absent where there are none, and `missing` says why. */
  readonly pictures?: string;
  readonly missing?: ErrorCode;
  /** Artifact of the words of a PPTX. A PDF has them in its pages. */
  readonly words?: string;
  /** Artifact of the password of the PDF. */
  readonly password?: string;
}

export interface IngestInput {
  readonly jobId: JobId;
  readonly source: SourceRequest;
  readonly detail: SummaryRequest['detail'];
  readonly pages?: string;
  readonly startTime?: number;
  readonly endTime?: number;
}

export interface IngestOutput {
  readonly source: SourceInfo;
  /** Artifact with the bytes of the source; for image lists, with the list of their artifacts. */
  readonly artifact: string;
  /** Requested slides, for decks and image lists; else empty. Written as ranges: `[first, last]`, both included. */
  readonly slides: readonly (readonly [number, number])[];
  /** Of a deck, or of the deck that a video shows. */
  readonly deck?: DeckParts;
  readonly model: ModelPlan;
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

export interface ExtractInput {
  readonly source: SourceInfo;
  readonly artifact: string;
  readonly deck?: DeckParts;
  readonly span: ExtractSpan;
  /** `num_crops` of the model's pictures: slides are drawn as large as these can show. */
  readonly crops: number;
}

export interface ExtractOutput {
  /** Artifact that holds frames, slide texts and decisions of this span. */
  readonly extraction: string;
  readonly frames: readonly Frame[];
  readonly dropped: number;
  /** Slides whose picture is missing. */
  readonly gaps: number;
}

export interface ReadWordsInput {
  readonly source: VideoInfo;
  readonly artifact: string;
  /** Seconds of the video that matter. */
  readonly range: { readonly start: number; readonly end: number };
  /** A file of subtitles that the request names. */
  readonly subtitles?: { readonly file_id?: FileId | undefined; readonly url?: string | undefined };
}

/** Words of a video: an artifact of cues, and where they are from. */
export interface SpokenWords {
  readonly artifact: string;
  readonly from: 'request' | 'track' | 'speech';
}

export interface ReadWordsOutput {
  /** Absent where the video has none. */
  readonly words?: SpokenWords;
}

export interface MatchSlidesInput {
  readonly deck: DeckParts;
  readonly extractions: readonly string[];
  /** As in the manifest. */
  readonly maxFrames?: number;
  /** Where the last frame ends, in seconds. */
  readonly end: number;
}

export interface MatchSlidesOutput {
  /** Artifact that says which slide each frame shows, and holds the words of the slides with their times. */
  readonly shown: string;
}

export interface PreprocessInput {
  readonly frames: readonly string[];
  readonly crops: number;
}

/** One entry per frame of the input. */
export type PreprocessOutput = readonly { readonly crops: string; readonly imageTokens: number }[];

export interface ManifestInput {
  readonly jobId: JobId;
  readonly run: string;
  readonly extractions: readonly string[];
  /** Most frames of the job; without: all. */
  readonly maxFrames?: number;
}

/** What one generation cost on this attempt. `cached`: it was found, not made. */
export interface Cost {
  readonly attempts: number;
  readonly cached: boolean;
  readonly gpuSeconds: number;
  /** Pictures that the vision graph had to be run for. */
  readonly visionCalls: number;
  /** Answers that its steps served on average: how much it shared them. 0 where none was taken. */
  readonly rows: number;
  /** What ran the model, such as `onnxruntime-node 1.30.0 cpu`. */
  readonly runtime: string;
}

export interface TokenUsage {
  readonly imageTokens: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Words that belong to the pictures of a segment. */
export type WordsRef =
  | { readonly kind: 'slides'; readonly extractions: readonly string[]; readonly slides: readonly number[] }
  | { readonly kind: 'speech'; readonly artifact: string; readonly start: number; readonly end: number };

export interface DescribeInput {
  readonly model: ModelPlan;
  /** Offered to the model; where there is no picture, the description itself. */
  readonly words?: WordsRef;
  /** Artifacts of the preprocessed pictures, in order; none where slides could not be drawn. */
  readonly crops: readonly string[];
  readonly focus?: string;
  readonly instruction?: string;
}

export interface DescribeOutput extends Cost {
  readonly generation: string;
  /** Caption of each picture. */
  readonly captions: readonly string[];
  /** Captions that differ from the one before: what merging will cost. */
  readonly lines: number;
}

export interface ReduceInput {
  readonly model: ModelPlan;
  /** `section`: captions become one text. `summary`: texts become one text. `title`: either becomes a short title. */
  readonly kind: 'section' | 'summary' | 'title';
  /** Generations to merge, in order. */
  readonly inputs: readonly string[];
  readonly focus?: string;
  readonly instruction?: string;
  readonly maxTokens: number;
}

export interface ReduceOutput extends Cost {
  readonly generation: string;
  /** Titles only. */
  readonly title?: string;
}

export type FinishSegment =
  | {
      readonly index: number;
      readonly first: number;
      readonly last: number;
      readonly generation: string;
      readonly cost: Cost;
    }
  | { readonly index: number; readonly first: number; readonly last: number; readonly reason: string };

export interface FinishInput {
  readonly jobId: JobId;
  readonly run: string;
  readonly source: SourceInfo;
  readonly range?: { readonly start: number; readonly end: number };
  readonly extractions: readonly string[];
  /** As in the manifest. */
  readonly maxFrames?: number;
  readonly words?: SpokenWords;
  /** Artifact of `matchSlides`. */
  readonly shown?: string;
  readonly segments: readonly FinishSegment[];
  readonly sections: readonly {
    readonly first: number;
    readonly last: number;
    readonly title: string;
    readonly text: string;
  }[];
  /** Generations of the summary and of its title. */
  readonly summary: string;
  readonly title: string;
  /** All merges and titles, for the totals. */
  readonly reductions: readonly string[];
  readonly reduceGpuSeconds: number;
  readonly startedAt: string;
  readonly model: ModelPlan;
}

export interface FinishOutput {
  readonly result: { readonly name: string; readonly sha256: string };
  readonly ledger: string;
}

export interface AppendEventsInput {
  readonly jobId: JobId;
  readonly run: string;
  readonly events: readonly JobEvent[];
}

/** Activities of the `cpu` queue. */
export interface CpuActivities {
  /** Finds or fetches the source, hashes and probes it, refuses what cannot be used. */
  ingest(input: IngestInput): Promise<IngestOutput>;
  /** Decodes one span once and keeps the pictures worth describing. */
  extractFrames(input: ExtractInput): Promise<ExtractOutput>;
  /** Reads the words that go with a video: from the request, a subtitle track, or by speech recognition. */
  readWords(input: ReadWordsInput): Promise<ReadWordsOutput>;
  /** Finds out which slide of its deck each frame of a video shows. */
  matchSlides(input: MatchSlidesInput): Promise<MatchSlidesOutput>;
  /** Makes the model's picture of each frame. */
  preprocessFrames(input: PreprocessInput): Promise<PreprocessOutput>;
  /** Publishes frames.jsonl of the job. */
  writeManifest(input: ManifestInput): Promise<void>;
  /** Stitches and publishes result and ledger. */
  finish(input: FinishInput): Promise<FinishOutput>;
}

/** Activities of the `gpu` queue. */
export interface GpuActivities {
  /** Captions the pictures of one segment. */
  describeSegment(input: DescribeInput): Promise<DescribeOutput>;
  /** Merges texts into one. */
  reduce(input: ReduceInput): Promise<ReduceOutput>;
}

/** Local activities of the `workflow` queue. */
export interface WorkflowActivities {
  /** Appends to the event log of a job. */
  appendEvents(input: AppendEventsInput): Promise<void>;
}

/** How many artifacts of a class a collection of garbage removed and kept, and their bytes. */
export interface CollectedClass {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
}

/** By class of artifact. */
export type CollectOutput = Readonly<Record<string, CollectedClass>>;

/** Activities of the `cpu` queue that belong to no job. */
export interface GarbageActivities {
  /** Removes artifacts that have outlived their lifetime and that no live job needs. */
  collectGarbage(input: Record<string, never>): Promise<CollectOutput>;
}
