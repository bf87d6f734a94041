/** The segments that an activity works on, for logs and traces. */
import { ENTRIES_PER_SHARD } from '../../schema/shards.ts';

/** Numbers as results have them; nothing for activities that are about no segment. */
export function segmentFields(
  activity: string,
  input: unknown,
): { readonly segment?: number; readonly segments?: number } {
  const { shard, entry, from, to } = (input ?? {}) as Partial<Record<string, unknown>>; // whatever it is
  if (typeof shard !== 'number') return {};
  if (activity === 'describeSegment' && typeof entry === 'number')
    return { segment: shard * ENTRIES_PER_SHARD + entry };
  if (activity !== 'preprocessFrames' || typeof from !== 'number' || typeof to !== 'number') return {};
  // A block of them: the first, and how many.
  return { segment: shard * ENTRIES_PER_SHARD + from, segments: to - from };
}
