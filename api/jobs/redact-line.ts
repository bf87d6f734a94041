/**
 * Removes what a batch has of one of its lines when the job of the line is deleted: its outcomes, and the
 * request in the checked lines. The line then has an error instead.
 */
import type { ShardLine } from '../../schema/batch.ts';
import type { BatchLineRef } from '../../schema/stored-request.ts';
import { type BlobStore, StoreError } from '../../store/artifact-store.ts';
import { batchOutcomePrefix, batchShardName, replacedShardName } from '../../store/names.ts';
import { removeAll } from '../../store/uses.ts';
import type { Clock } from '../app/index.ts';

/** How long another replacement of the same shard may take. After that it was interrupted. */
const REPLACE_TIMEOUT_MS = 5000;
const REPLACE_POLL_MS = 50;

/** @throws StoreError. May be repeated after a failure. */
export async function redactLine(
  { store, clock }: { readonly store: BlobStore; readonly clock: Clock },
  { batchId, input, shard, line }: BatchLineRef,
): Promise<void> {
  await removeAll(store, batchOutcomePrefix(batchId, line));
  const name = batchShardName(batchId, input, shard);
  const copy = replacedShardName(name);
  for (const until = clock.now() + REPLACE_TIMEOUT_MS; ; ) {
    const replacing = await readLines(store, copy);
    if (replacing && clock.now() < until) {
      await clock.sleep(REPLACE_POLL_MS);
      continue;
    }
    if (replacing) await replace(store, name, replacing);
    const lines = await readLines(store, name);
    if (!lines?.some((own) => own.line === line && !('error' in own))) return;
    const redacted = lines.map((own) => (own.line === line ? deletedLine(line) : own));
    const bytes = encode(redacted);
    // The copy is also a lock: whoever is second finds another one under its name.
    const stored = await store.put(copy, bytes);
    if (stored.bytes === bytes.byteLength && (await isOurs(store, copy, redacted)))
      return await replace(store, name, redacted);
  }
}

/** Artifacts never change, so a reader finds the copy while the shard is missing (`findShard`). */
async function replace(store: BlobStore, name: string, lines: readonly ShardLine[]): Promise<void> {
  await store.delete(name);
  await store.put(name, encode(lines));
  await store.delete(replacedShardName(name));
}

function deletedLine(line: number): ShardLine {
  return { line, customId: null, error: { code: 'not_found', message: 'The job was deleted.' } };
}

async function isOurs(store: BlobStore, name: string, lines: readonly ShardLine[]): Promise<boolean> {
  return JSON.stringify(await readLines(store, name)) === JSON.stringify(lines);
}

async function readLines(store: BlobStore, name: string): Promise<readonly ShardLine[] | undefined> {
  try {
    // Written by ingestBatch and above.
    return JSON.parse(new TextDecoder().decode(await store.bytes(name))) as readonly ShardLine[];
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function encode(lines: readonly ShardLine[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(lines));
}
