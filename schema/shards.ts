/**
 * What the stages of a job leave for each other in the store, in numbered shards of at most `ENTRIES_PER_SHARD` entries: neither the messages
 * between them nor the memory of a workflow grow with the source.
 */
import type { ModelPlan } from './model-plan.ts';
import type { GenerationStats, UsageCost } from './usage-cost.ts';

/** Version of all shards of a job. */
export const SHARD_VERSION = 1;

/** Entries of one shard. A segment under way knows its shard and its place there: both follow from its number. */
export const ENTRIES_PER_SHARD = 64;

/** Shard and position in it of entry `index` of a stage. */
export function shardPosition(index: number): { readonly shard: number; readonly entry: number } {
  return { shard: Math.floor(index / ENTRIES_PER_SHARD), entry: index % ENTRIES_PER_SHARD };
}

/**
 * `extractions`: names of extractions. `segments`: what to describe. `described`: what became of that. `groups-n`: what level n
 * of merging merges. `merged-n`: what became of that.
 */
export type ShardKind = 'extractions' | 'segments' | 'described' | `groups-${number}` | `merged-${number}`;

/** A shard as it is stored. */
export type StoredShard<T> = T & { readonly version: typeof SHARD_VERSION };

/** A shard of `extractions`, `described` or `merged-n`. */
export interface EntryShard<T> {
  readonly entries: readonly T[];
}

/** What the prompts of a stage have in common. */
export interface PromptContext {
  readonly model: ModelPlan;
  readonly focus?: string;
  readonly instruction?: string;
}

/** A shard of `segments`. */
export interface PlanShard extends PromptContext {
  readonly segments: readonly PlanSegment[];
}

/** Frames that one model call describes. */
export interface PlanSegment {
  readonly index: number;
  /** Number of its first frame in the job. */
  readonly first: number;
  readonly frames: readonly PlanFrame[];
  /** Seconds; of videos only. */
  readonly start_time?: number;
  readonly end_time?: number;
  /** Offered to the model; where there is no picture, the description itself. */
  readonly text?: SegmentTextRef;
}

/** Words that belong to the pictures of a segment. */
export type SegmentTextRef =
  | { readonly kind: 'slides'; readonly extractions: readonly string[]; readonly slides: readonly number[] }
  | { readonly kind: 'speech'; readonly artifact: string; readonly start: number; readonly end: number };

export interface PlanFrame {
  readonly name: string;
  /** Artifact of its preprocessed picture; absent where a slide could not be drawn. */
  readonly crops?: string;
  readonly time?: number;
  readonly slide?: number;
}

/** An entry of `described`. */
export type SegmentOutcome = DescribedSegment | FailedSegment;

export interface DescribedSegment {
  readonly index: number;
  readonly generation: string;
  /** Captions that differ from the one before: what merging will cost. */
  readonly distinctCaptions: number;
  /** Marks of its first and its last caption: equal marks, equal captions. Absent where it has none. */
  readonly firstCaptionHash?: string;
  readonly lastCaptionHash?: string;
  readonly stats: GenerationStats;
}

export interface FailedSegment {
  readonly index: number;
  /** Code of the error. */
  readonly reason: string;
  readonly attempts: number;
}

/** A shard of `groups-n`. */
export interface MergeShard extends PromptContext {
  readonly groups: readonly MergeGroup[];
}

/** Generations that become one text. */
export interface MergeGroup {
  /** Segments `[first, last)` that it covers. */
  readonly first: number;
  readonly last: number;
  readonly inputs: readonly string[];
}

/** An entry of `merged-n`. */
export interface MergeOutcome {
  /** Generation of the text: of a group of one, the one that it has. */
  readonly text: string;
  /** Generation of the title; of the first level only. */
  readonly title?: string;
  /** Generation of the title of the job; of the last group only. */
  readonly jobTitle?: string;
  /** What was made for it, for the totals. */
  readonly generations: readonly string[];
  /** What its generations are charged with. */
  readonly usage: UsageCost;
}
