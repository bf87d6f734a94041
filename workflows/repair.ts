/**
 * Rebuilds artifacts that are damaged or missing. An activity that misses one fails; the missing artifacts
 * are found and made again by the activities that made them before; then the work is repeated. After that the
 * work continues without what is still missing.
 */
import { isCancellation } from '@temporalio/workflow';
import { shardPosition } from '../schema/shards.ts';
import type { DescribeSegmentInput, DescribeSegmentOutput, JobRef } from '../schema/stages.ts';
import { cpu, gpu } from './activities.ts';
import { errorOf } from './failures.ts';

const MAX_REBUILDS = 2;

export interface RepairAttempt {
  /** Whether something was rebuilt before this attempt. */
  readonly isRepeated: boolean;
  /** Nothing is rebuilt after this attempt: it continues without missing artifacts. */
  readonly allowMissing: boolean;
}

export interface Repair {
  /**
   * Runs `work`, which needs the generations of all segments and of all groups of `levels`. Rebuilds them
   * if they are missing.
   */
  run<T>(levels: readonly number[], work: (attempt: RepairAttempt) => Promise<T>): Promise<T>;
}

export interface MergeLimits {
  /** Number of segments. */
  readonly segments: number;
  /** Maximum number of tokens in a merged text. */
  readonly maxTokens: number;
}

export function openRepair(ref: JobRef, { segments, maxTokens }: MergeLimits): Repair {
  /** Activities that miss something at the same time wait for the same rebuild. */
  let rebuilding: Promise<void> | undefined;

  async function rebuildMissing(levels: readonly number[]): Promise<void> {
    const { missing } = await cpu.findMissing({ ...ref, segments, levels });
    await settleAll(
      missing.flatMap((entry) =>
        'segment' in entry ? [describeSegment({ ...ref, ...shardPosition(entry.segment) })] : [],
      ),
    );
    // From the lowest level up: each level needs the ones below it.
    for (const [level, groups] of levels.entries())
      await settleAll(
        missing.flatMap((entry) =>
          'level' in entry && entry.level === level ? [rebuildMerge(level, entry.group, groups)] : [],
        ),
      );
  }

  async function rebuildMerge(level: number, group: number, groups: number): Promise<void> {
    const kind = level === 0 ? 'section' : 'summary';
    const isLast = groups === 1;
    await gpu.reduce({
      ...ref,
      level,
      ...shardPosition(group),
      kind,
      maxTokens,
      ...(isLast ? { isLast } : {}),
    });
  }

  return {
    run: (levels, work) =>
      retryAfter(work, () => {
        rebuilding ??= rebuildMissing(levels).finally(() => {
          rebuilding = undefined;
        });
        return rebuilding;
      }),
  };
}

/** Describes one segment, and preprocesses its frames again if their images are missing. */
export function describeSegment(input: DescribeSegmentInput): Promise<DescribeSegmentOutput> {
  const { entry, ...rest } = input;
  return retryAfter(
    () => gpu.describeSegment(input),
    async () => {
      await cpu.preprocessFrames({ ...rest, from: entry, to: entry + 1 });
    },
  );
}

/** Repeats `work` after `rebuild` while it fails because of a missing artifact, `MAX_REBUILDS` times. */
async function retryAfter<T>(
  work: (attempt: RepairAttempt) => Promise<T>,
  rebuild: () => Promise<void>,
): Promise<T> {
  for (let round = 0; ; round += 1) {
    const allowMissing = round === MAX_REBUILDS;
    try {
      return await work({ isRepeated: round > 0, allowMissing });
    } catch (failure) {
      if (allowMissing || isCancellation(failure) || errorOf(failure).code !== 'source_missing')
        throw failure;
      await rebuild();
    }
  }
}

/** Waits for all of them. A failed rebuild shows again in the work that needs its artifact. */
async function settleAll(rebuilds: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(rebuilds))
    if (result.status === 'rejected' && isCancellation(result.reason)) throw result.reason;
}
