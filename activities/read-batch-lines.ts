/** Reads the next lines of a batch, and stores their requests under the ids of their jobs. */
import type { ShardLine } from '../schema/batch.ts';
import type { BatchActivities, BatchRef, LinePosition, ReadyLine } from '../schema/batch-stages.ts';
import { customIdKey } from '../schema/search-attributes.ts';
import { REQUEST_VERSION, type StoredRequest } from '../schema/stored-request.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { requestName } from '../store/names.ts';
import { batchReader, putJson } from './lib/index.ts';

/** Requests that are stored at the same time. */
const MAX_CONCURRENT_PUTS = 16;

type GoodLine = Extract<ShardLine, { readonly request: unknown }>;

/**
 * Creates the activity, which returns at most `limit` lines, in order, and where to continue. Throws
 * StoreError.
 */
export function createReadBatchLines({
  store,
}: {
  readonly store: ArtifactStore;
}): BatchActivities['readBatchLines'] {
  return async ({ from, limit, ...ref }) => {
    const reader = batchReader(store, ref);
    const found: { readonly position: LinePosition; readonly line: GoodLine }[] = [];
    for (let { shard: number, entry } = from; number < ref.shards; number += 1, entry = 0) {
      const shard = await reader.shard(number);
      for (; entry < shard.length; entry += 1) {
        const line = shard[entry];
        if (!line || 'error' in line) continue;
        // A later round skips the lines that have a result.
        if (ref.round > 1 && (await reader.outcome(line.line, ref.round))?.ok) continue;
        const position = { shard: number, entry };
        if (found.length === limit) return { lines: await storeRequests(ref, found), next: position };
        found.push({ position, line });
      }
    }
    return { lines: await storeRequests(ref, found) };
  };

  async function storeRequests(
    { tenant, batchId, input }: BatchRef,
    found: readonly { readonly position: LinePosition; readonly line: GoodLine }[],
  ): Promise<readonly ReadyLine[]> {
    for (let first = 0; first < found.length; first += MAX_CONCURRENT_PUTS) {
      const group = found.slice(first, first + MAX_CONCURRENT_PUTS);
      await Promise.all(
        group.map(({ position: { shard }, line: { line, customId: _id, jobId, ...rest } }) =>
          putJson(store, requestName(jobId), {
            version: REQUEST_VERSION,
            tenant,
            ...rest,
            line: { batchId, input, shard, line },
          } satisfies StoredRequest),
        ),
      );
    }
    return await Promise.all(
      found.map(async ({ position, line: { line, jobId, fingerprint, request, customId } }) => ({
        ...{ position, line, jobId, fingerprint, priority: request.priority, type: request.source.type },
        customIdKey: await customIdKey(tenant, request.custom_id ?? customId),
      })),
    );
  }
}
