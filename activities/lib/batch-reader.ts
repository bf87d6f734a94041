/** Reads the lines of a batch and their outcomes from the store. */
import type { ShardLine } from '../../schema/batch.ts';
import { type BatchOutcome, type BatchReader, OUTCOME_VERSION } from '../../schema/batch-output.ts';
import type { BatchRef } from '../../schema/batch-stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { batchOutcomeName, batchShardName, replacedShardName } from '../../store/names.ts';
import { findJson, findVersioned, getJson } from './artifacts.ts';

export function batchReader(store: ArtifactStore, { batchId, input, shards, round }: BatchRef): BatchReader {
  return {
    shards,
    round,
    async shard(number) {
      const name = batchShardName(batchId, input, number);
      const lines = await findJson<readonly ShardLine[]>(store, name);
      return lines ?? (await getJson<readonly ShardLine[]>(store, replacedShardName(name)));
    },
    async outcome(line, from) {
      for (let tried = from; tried >= 1; tried -= 1) {
        const found = await findVersioned<BatchOutcome>(
          store,
          batchOutcomeName(batchId, line, tried),
          OUTCOME_VERSION,
        );
        if (found) return found;
      }
      return undefined;
    },
    json: (name) => findJson(store, name),
  };
}
