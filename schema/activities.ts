/**
 * The activities of each task queue: workflows call them, workers implement them. stages.ts has their inputs
 * and outputs.
 */
import type {
  AppendEventsInput,
  DescribeSegmentInput,
  DescribeSegmentOutput,
  ExtractFramesInput,
  ExtractFramesOutput,
  FindMissingInput,
  FindMissingOutput,
  FinishInput,
  FinishOutput,
  IngestInput,
  IngestOutput,
  MatchSlidesInput,
  MatchSlidesOutput,
  PlanInput,
  PlanMergesInput,
  PlanMergesOutput,
  PlanOutput,
  PreprocessFramesInput,
  PreprocessFramesOutput,
  ReadTranscriptInput,
  ReadTranscriptOutput,
  ReduceInput,
  ReduceOutput,
  StoreShardInput,
} from './stages.ts';

/** Attempts at `ingest` and `readTranscript`: a server that is unreachable for four minutes is given up. */
export const SOURCE_ATTEMPTS = 10;

/** Activities of the `cpu` queue. */
export interface CpuActivities {
  /** Finds or fetches the source, hashes it and probes it. Rejects unusable sources. */
  ingest(input: IngestInput): Promise<IngestOutput>;
  /** Decodes one span and keeps the frames to describe. */
  extractFrames(input: ExtractFramesInput): Promise<ExtractFramesOutput>;
  /** Returns the transcript of a video: from the request, a subtitle track, or speech recognition. */
  readTranscript(input: ReadTranscriptInput): Promise<ReadTranscriptOutput>;
  /** Finds the slide of the deck that each frame of a video displays. */
  matchSlides(input: MatchSlidesInput): Promise<MatchSlidesOutput>;
  /** Applies the frame budget, publishes frames.jsonl of the job, and splits its frames into segments. */
  plan(input: PlanInput): Promise<PlanOutput>;
  /** Preprocesses the frames of some segments for the model. */
  preprocessFrames(input: PreprocessFramesInput): Promise<PreprocessFramesOutput>;
  /** Reads every generation of the job and finds those that are damaged or missing. */
  findMissing(input: FindMissingInput): Promise<FindMissingOutput>;
  /** Publishes the result and the ledger. */
  finish(input: FinishInput): Promise<FinishOutput>;
}

/** Activities of the `gpu` queue. */
export interface GpuActivities {
  /** Captions the frames of one segment. */
  describeSegment(input: DescribeSegmentInput): Promise<DescribeSegmentOutput>;
  /** Merges texts into one. */
  reduce(input: ReduceInput): Promise<ReduceOutput>;
}

/** Local activities of the `workflow` queue. */
export interface WorkflowActivities {
  /** Appends to the event log of a job. */
  appendEvents(input: AppendEventsInput): Promise<void>;
  /** Publishes a shard of outcomes, which the workflow then releases from memory. */
  storeShard(input: StoreShardInput): Promise<void>;
  /** Groups the entries of one level of merging. */
  planMerges(input: PlanMergesInput): Promise<PlanMergesOutput>;
}

/** Number and bytes of the artifacts of one class that a garbage collection removed and kept. */
export interface CollectedClass {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
}

/** By artifact class. */
export type CollectGarbageOutput = Readonly<Record<string, CollectedClass>>;

/** Activities of the `cpu` queue that belong to no job. */
export interface GarbageActivities {
  /** Removes expired artifacts that no live job needs. */
  collectGarbage(input: Record<string, never>): Promise<CollectGarbageOutput>;
}
