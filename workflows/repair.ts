/**
 * Artifacts that are damaged or gone are made again: whoever misses one fails, what is missing is found and made by the activities
 * that made it before, and the work is done once more. What stays missing is then done without.
 */
import { isCancellation } from '@temporalio/workflow';
import { ENTRIES_PER_SHARD } from '../schema/shards.ts';
import type { DescribeSegmentInput, DescribeSegmentOutput, JobRef } from '../schema/stages.ts';
import { cpu, gpu } from './activities.ts';
import { errorOf } from './failures.ts';

/** How often what is missing is made again. */
const ROUNDS = 2;

export interface Try {
  /** Whether something was made again for it. */
  readonly again: boolean;
  /** Nothing more is made again after this try: it does without what is missing. */
  readonly lossy: boolean;
}

export interface Mender {
  /** Does `work`, which needs generations of segments and of all groups of `levels`. */
  mend<T>(levels: readonly number[], work: (state: Try) => Promise<T>): Promise<T>;
}

export interface Merging {
  readonly segments: number;
  /** Most tokens of a text. */
  readonly maxTokens: number;
}

export function openMender(ref: JobRef, { segments, maxTokens }: Merging): Mender {
  /** Several that miss something at once wait for the same. */
  let making: Promise<void> | undefined;

  async function make(levels: readonly number[]): Promise<void> {
    const { missing } = await cpu.findMissing({ ...ref, segments, levels });
    await all(
      missing.flatMap((piece) =>
        'segment' in piece ? [describeSegment({ ...ref, ...placeOf(piece.segment) })] : [],
      ),
    );
    // From the lowest level up: each needs those below.
    for (const level of levels.keys())
      await all(
        missing.flatMap((piece) =>
          'level' in piece && piece.level === level ? [mergeAgain(level, piece.group)] : [],
        ),
      );
  }

  async function mergeAgain(level: number, group: number): Promise<void> {
    const kind = level === 0 ? 'section' : 'summary';
    await gpu.reduce({ ...ref, level, ...placeOf(group), kind, maxTokens });
  }

  return {
    mend: (levels, work) =>
      withMissingMade(work, () => {
        making ??= make(levels).finally(() => {
          making = undefined;
        });
        return making;
      }),
  };
}

/** Describes one segment. Its pictures are made again where they are gone. */
export function describeSegment(place: DescribeSegmentInput): Promise<DescribeSegmentOutput> {
  const { at, ...rest } = place;
  return withMissingMade(
    () => gpu.describeSegment(place),
    async () => {
      await cpu.preprocessFrames({ ...rest, from: at, to: at + 1 });
    },
  );
}

/** Where entry `index` of a stage is. */
export function placeOf(index: number): { readonly shard: number; readonly at: number } {
  return { shard: Math.floor(index / ENTRIES_PER_SHARD), at: index % ENTRIES_PER_SHARD };
}

async function withMissingMade<T>(work: (state: Try) => Promise<T>, make: () => Promise<void>): Promise<T> {
  for (let round = 0; ; round += 1) {
    const lossy = round === ROUNDS;
    try {
      return await work({ again: round > 0, lossy });
    } catch (failure) {
      if (lossy || isCancellation(failure) || errorOf(failure).code !== 'source_missing') throw failure;
      await make();
    }
  }
}

/** Waits for all of them. What cannot be made again is missed once more by who needs it. */
async function all(made: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(made))
    if (result.status === 'rejected' && isCancellation(result.reason)) throw result.reason;
}
