/** Which activities there are, and on which queue: what workflows call and workers offer. What they take and answer is in stages.ts. */
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

/** Activities of the `cpu` queue. */
export interface CpuActivities {
  /** Finds or fetches the source, hashes and probes it, refuses what cannot be used. */
  ingest(input: IngestInput): Promise<IngestOutput>;
  /** Decodes one span once and keeps the pictures worth describing. */
  extractFrames(input: ExtractFramesInput): Promise<ExtractFramesOutput>;
  /** Reads the words that go with a video: from the request, a subtitle track, or by speech recognition. */
  readTranscript(input: ReadTranscriptInput): Promise<ReadTranscriptOutput>;
  /** Finds out which slide of its deck each frame of a video shows. */
  matchSlides(input: MatchSlidesInput): Promise<MatchSlidesOutput>;
  /** Spends the frame budget, publishes frames.jsonl of the job, and cuts its frames into segments. */
  plan(input: PlanInput): Promise<PlanOutput>;
  /** Makes the model's picture of each frame of some segments. */
  preprocessFrames(input: PreprocessFramesInput): Promise<PreprocessFramesOutput>;
  /** Reads every generation of the job, and finds those that are damaged or gone. */
  findMissing(input: FindMissingInput): Promise<FindMissingOutput>;
  /** Stitches and publishes result and ledger. */
  finish(input: FinishInput): Promise<FinishOutput>;
}

/** Activities of the `gpu` queue. */
export interface GpuActivities {
  /** Captions the pictures of one segment. */
  describeSegment(input: DescribeSegmentInput): Promise<DescribeSegmentOutput>;
  /** Merges texts into one. */
  reduce(input: ReduceInput): Promise<ReduceOutput>;
}

/** Local activities of the `workflow` queue. */
export interface WorkflowActivities {
  /** Appends to the event log of a job. */
  appendEvents(input: AppendEventsInput): Promise<void>;
  /** Publishes a shard of outcomes, so that the workflow can forget them. */
  storeShard(input: StoreShardInput): Promise<void>;
  /** Groups the entries of one level of merging. */
  planMerges(input: PlanMergesInput): Promise<PlanMergesOutput>;
}

/** How many artifacts of a class a collection of garbage removed and kept, and their bytes. */
export interface CollectedClass {
  readonly removed: number;
  readonly removedBytes: number;
  readonly kept: number;
  readonly keptBytes: number;
}

/** By class of artifact. */
export type CollectGarbageOutput = Readonly<Record<string, CollectedClass>>;

/** Activities of the `cpu` queue that belong to no job. */
export interface GarbageActivities {
  /** Removes artifacts that have outlived their lifetime and that no live job needs. */
  collectGarbage(input: Record<string, never>): Promise<CollectGarbageOutput>;
}
