/** The next lines of a batch to run. */

import { canonicalJson } from '../core/canonical-json.ts';
import type { BatchActivities, LinePlace, ReadyLine } from '../schema/batch-stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { batchReader } from './lib/index.ts';

/** Most bytes of lines in one answer, unless a single line is longer: a payload has at most 64 KB. */
const MOST_BYTES = 50_000;

export function createReadBatchLines({
  store,
}: {
  readonly store: ArtifactStore;
}): BatchActivities['readBatchLines'] {
  return async ({ from, limit, ...ref }) => {
    const reader = batchReader(store, ref);
    const lines: ReadyLine[] = [];
    let bytes = 0;
    let place: LinePlace = from;
    while (place.shard < ref.shards) {
      const shard = await reader.shard(place.shard);
      for (let at = place.at; at < shard.length; at += 1) {
        place = { shard: place.shard, at };
        const line = shard[at];
        if (!line || 'error' in line) continue;
        // A retry runs what has no result; in the first round nothing has one.
        if (ref.round > 1 && (await reader.outcome(line.line, ref.round))?.ok) continue;
        const size = new TextEncoder().encode(canonicalJson(line)).length;
        if (lines.length === limit || (lines.length > 0 && bytes + size > MOST_BYTES))
          return { lines, next: place };
        lines.push({ place, line });
        bytes += size;
      }
      place = { shard: place.shard + 1, at: 0 };
    }
    return { lines };
  };
}
