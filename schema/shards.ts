/**
 * The data that the stages of a job exchange through the store, in numbered shards of at most
 * `ENTRIES_PER_SHARD` entries. Messages and workflow memory therefore do not grow with the source.
 */
import type { ModelPlan } from './model-plan.ts';
import type { GenerationStats, UsageCost } from './usage-cost.ts';

/** Version of all shards of a job. */
export const SHARD_VERSION = 1;

/** Maximum number of entries in a shard. The number of a segment determines its shard and position. */
export const ENTRIES_PER_SHARD = 64;

/** Returns the shard of entry `index` of a stage, and its position in the shard. */
export function shardPosition(index: number): { readonly shard: number; readonly entry: number } {
  return { shard: Math.floor(index / ENTRIES_PER_SHARD), entry: index % ENTRIES_PER_SHARD };
}

/**
 * `extractions`: names of extractions. `segments`: segments to describe. `described`: their outcomes.
 * `groups-n`: groups to merge on level n. `merged-n`: their outcomes.
 */
export type ShardKind = 'extractions' | 'segments' | 'described' | `groups-${number}` | `merged-${number}`;

/** A shard as it is stored. */
export type StoredShard<T> = T & { readonly version: typeof SHARD_VERSION };

/** A shard of `extractions`, `described` or `merged-n`. */
export interface EntryShard<T> {
  readonly entries: readonly T[];
}

/** Context that all prompts of a stage share. */
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
  /** Number of the first frame of the segment, counted over the job. */
  readonly first: number;
  readonly frames: readonly PlanFrame[];
  /** Range in seconds; videos only. */
  readonly start_time?: number;
  readonly end_time?: number;
  /** Text quoted in the prompt. For frames without an image it is the caption itself. */
  readonly text?: SegmentTextRef;
}

/** Reference to the text that belongs to the frames of a segment. */
export type SegmentTextRef =
  | { readonly kind: 'slides'; readonly extractions: readonly string[]; readonly slides: readonly number[] }
  | { readonly kind: 'speech'; readonly artifact: string; readonly start: number; readonly end: number };

export interface PlanFrame {
  readonly name: string;
  /** Artifact of the preprocessed image; absent if a slide could not be rendered. */
  readonly crops?: string;
  readonly time?: number;
  readonly slide?: number;
}

/** An entry of `described`. */
export type SegmentOutcome = DescribedSegment | FailedSegment;

export interface DescribedSegment {
  readonly index: number;
  readonly generation: string;
  /** Number of captions that differ from the previous one; determines the cost of merging. */
  readonly distinctCaptions: number;
  /**
   * Hashes of the first and the last caption, to compare captions of neighbours. Absent if there are none.
   */
  readonly firstCaptionHash?: string;
  readonly lastCaptionHash?: string;
  readonly stats: GenerationStats;
}

export interface FailedSegment {
  readonly index: number;
  /** Error code. */
  readonly reason: string;
  readonly attempts: number;
}

/** A shard of `groups-n`. */
export interface MergeShard extends PromptContext {
  readonly groups: readonly MergeGroup[];
}

/** Generations that are merged into one text. */
export interface MergeGroup {
  /** The group covers the segments `[first, last)`. */
  readonly first: number;
  readonly last: number;
  readonly inputs: readonly string[];
}

/** An entry of `merged-n`. */
export interface MergeOutcome {
  /** Generation of the text. For a group with one input, that input. */
  readonly text: string;
  /** Generation of the title; first level only. */
  readonly title?: string;
  /** Generation of the title of the job; last group only. */
  readonly jobTitle?: string;
  /** All generations of the group, for the totals. */
  readonly generations: readonly string[];
  /** Charged usage of these generations. */
  readonly usage: UsageCost;
}
