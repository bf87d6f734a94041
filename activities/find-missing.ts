/** Finds the damaged and missing generations of a job, so that they are generated again. */

import type { CpuActivities } from '../schema/activities.ts';
import type { MergeOutcome, SegmentOutcome } from '../schema/shards.ts';
import type { MissingGeneration } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { findGeneration, readEntryShards, withHeartbeat } from './lib/index.ts';

/** Most generations in one output: each adds events to the history of the job. */
const MAX_MISSING = 128;

export function createFindMissing({
  store,
}: {
  readonly store: ArtifactStore;
}): CpuActivities['findMissing'] {
  return (input) =>
    withHeartbeat(async (signal) => {
      const missing: MissingGeneration[] = [];

      /** Adds the entries of a shard whose generations are not all intact. */
      async function check(
        entries: readonly (readonly [MissingGeneration, readonly string[]])[],
      ): Promise<void> {
        signal.throwIfAborted();
        const intact = await Promise.all(entries.map(([, names]) => areIntact(names)));
        for (const [index, [entry]] of entries.entries()) if (!intact[index]) missing.push(entry);
      }

      const described = readEntryShards<SegmentOutcome>(store, input, 'described', input.segments);
      for await (const shard of described) {
        await check(
          shard.flatMap((outcome) =>
            'generation' in outcome ? [[{ segment: outcome.index }, [outcome.generation]] as const] : [],
          ),
        );
      }
      for (const [level, groups] of input.levels.entries()) {
        let first = 0;
        for await (const shard of readEntryShards<MergeOutcome>(store, input, `merged-${level}`, groups)) {
          await check(
            shard.map(({ generations }, at) => [{ level, group: first + at }, generations] as const),
          );
          first += shard.length;
        }
      }
      return { missing: missing.slice(0, MAX_MISSING) };
    });

  async function areIntact(names: readonly string[]): Promise<boolean> {
    for (const name of names) if ((await findGeneration(store, name)) === undefined) return false;
    return true;
  }
}
