/** The shards in which the stages of a job pass on their output (schema/shards.ts). */

import type { WorkflowActivities } from '../../schema/activities.ts';
import {
  ENTRIES_PER_SHARD,
  type EntryShard,
  type MergeShard,
  type PlanShard,
  SHARD_VERSION,
  type ShardKind,
  type StoredShard,
} from '../../schema/shards.ts';
import type { JobRef } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { shardName } from '../../store/names.ts';
import { getVersioned, putJson } from './artifacts.ts';

/** Shards in the cache of a reader: each is read once per entry, and a worker serves several jobs. */
const CACHED_SHARDS = 8;

export async function putShard(
  store: ArtifactStore,
  { jobId, run }: JobRef,
  kind: ShardKind,
  shard: number,
  content: PlanShard | MergeShard | EntryShard<unknown>,
): Promise<void> {
  const stored: StoredShard<typeof content> = { version: SHARD_VERSION, ...content };
  await putJson(store, shardName(jobId, run, kind, shard), stored);
}

/**
 * Reads a shard. The caller names its type.
 *
 * @throws StoreError
 * @throws FrameloomError `unavailable` if the shard has another version.
 */
export function getShard<T>(
  store: ArtifactStore,
  { jobId, run }: JobRef,
  kind: ShardKind,
  shard: number,
): Promise<T> {
  return getVersioned<StoredShard<T>>(store, shardName(jobId, run, kind, shard), SHARD_VERSION);
}

/** The shards of `entries` entries, in order. */
export async function* readShards<T>(
  store: ArtifactStore,
  ref: JobRef,
  kind: ShardKind,
  entries: number,
): AsyncGenerator<T> {
  for (let shard = 0; shard * ENTRIES_PER_SHARD < entries; shard += 1)
    yield getShard<T>(store, ref, kind, shard);
}

/** The entries of the shards, shard by shard. */
export async function* readEntryShards<T>(
  store: ArtifactStore,
  ref: JobRef,
  kind: ShardKind,
  entries: number,
): AsyncGenerator<readonly T[]> {
  for await (const shard of readShards<EntryShard<T>>(store, ref, kind, entries)) yield shard.entries;
}

/** Names of the extractions of a job, from `shards` shards. */
export async function extractionsOf(
  store: ArtifactStore,
  ref: JobRef,
  shards: number,
): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const shard of readEntryShards<string>(store, ref, 'extractions', shards * ENTRIES_PER_SHARD))
    names.push(...shard);
  return names;
}

/** Reads shards of one kind, and caches the latest ones: a shard never changes. */
export function createShardReader<T>(
  store: ArtifactStore,
): (ref: JobRef, kind: ShardKind, shard: number) => Promise<T> {
  const cache = new Map<string, Promise<T>>();
  return (ref, kind, shard) => {
    const name = shardName(ref.jobId, ref.run, kind, shard);
    const known = cache.get(name);
    if (known !== undefined) return known;
    const found = getShard<T>(store, ref, kind, shard);
    found.catch(() => cache.delete(name)); // the next call reads it again
    const oldest = cache.size >= CACHED_SHARDS ? cache.keys().next().value : undefined;
    if (oldest !== undefined) cache.delete(oldest);
    cache.set(name, found);
    return found;
  };
}

export function createStoreShard({
  store,
}: {
  readonly store: ArtifactStore;
}): WorkflowActivities['storeShard'] {
  return ({ kind, shard, entries, ...ref }) => putShard(store, ref, kind, shard, { entries });
}
