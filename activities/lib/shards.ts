/** The shards in which the stages of a job leave things for each other (schema/shards.ts). */

import type { WorkflowActivities } from '../../schema/activities.ts';
import { ENTRIES_PER_SHARD, type ShardKind } from '../../schema/shards.ts';
import type { JobRef } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { shardName } from '../../store/names.ts';
import { getJson, putJson } from './artifacts.ts';

/** Shards that a reader remembers: each is asked for once per entry, and a worker serves several jobs. */
const CACHED_SHARDS = 8;

export async function putShard(
  store: ArtifactStore,
  { jobId, run }: JobRef,
  kind: ShardKind,
  shard: number,
  content: unknown,
): Promise<void> {
  await putJson(store, shardName(jobId, run, kind, shard), content);
}

/** Reads a shard. The caller names its type, as with `getJson`. */
export function getShard<T>(
  store: ArtifactStore,
  { jobId, run }: JobRef,
  kind: ShardKind,
  shard: number,
): Promise<T> {
  return getJson<T>(store, shardName(jobId, run, kind, shard));
}

/** The shards of `entries` entries, one after the other, in order. */
export async function* readShards<T>(
  store: ArtifactStore,
  ref: JobRef,
  kind: ShardKind,
  entries: number,
): AsyncGenerator<T> {
  for (let shard = 0; shard * ENTRIES_PER_SHARD < entries; shard += 1)
    yield getShard<T>(store, ref, kind, shard);
}

/** Names of the extractions of a job, from `shards` shards. */
export async function extractionsOf(
  store: ArtifactStore,
  ref: JobRef,
  shards: number,
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const shard of readShards<readonly string[]>(
    store,
    ref,
    'extractions',
    shards * ENTRIES_PER_SHARD,
  ))
    names.push(...shard);
  return names;
}

/** Reads shards of one kind, and remembers the latest ones. They never change once they are there. */
export function createShardReader<T>(
  store: ArtifactStore,
): (ref: JobRef, kind: ShardKind, shard: number) => Promise<T> {
  const kept = new Map<string, Promise<T>>();
  return (ref, kind, shard) => {
    const name = shardName(ref.jobId, ref.run, kind, shard);
    const known = kept.get(name);
    if (known !== undefined) return known;
    const found = getJson<T>(store, name);
    found.catch(() => kept.delete(name)); // the next one asks again
    const oldest = kept.size >= CACHED_SHARDS ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    kept.set(name, found);
    return found;
  };
}

export function createStoreShard({
  store,
}: {
  readonly store: ArtifactStore;
}): WorkflowActivities['storeShard'] {
  return ({ kind, shard, entries, ...ref }) => putShard(store, ref, kind, shard, entries);
}
