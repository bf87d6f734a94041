/** Artifacts whose format changes with a release: what a worker of this release does with those of another. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findGeneration, putShard, readRequest, readShards } from '../../activities/lib/index.ts';
import { type JobId, jobIdFor } from '../../schema/ids.ts';
import { SHARD_VERSION } from '../../schema/shards.ts';
import { REQUEST_VERSION } from '../../schema/stored-request.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { generationName, requestName, shardName } from '../../store/names.ts';

let root: string;
let store: ArtifactStore;
let jobId: JobId;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-versions-'));
  store = createFolderStore(root);
  jobId = await jobIdFor('t', 'versions');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function put(name: string, content: unknown): Promise<void> {
  await store.put(name, new TextEncoder().encode(JSON.stringify(content)));
}

it('writes the version of a shard, and reads it back', async () => {
  const ref = { jobId, run: 'run' };
  await putShard(store, ref, 'extractions', 0, { entries: ['extractions/a.json'] });
  const content = new TextDecoder().decode(await store.bytes(shardName(jobId, 'run', 'extractions', 0)));
  expect(JSON.parse(content)).toEqual({ version: SHARD_VERSION, entries: ['extractions/a.json'] });
  for await (const shard of readShards(store, ref, 'extractions', 1))
    expect(shard).toMatchObject({ entries: ['extractions/a.json'] });
});

it('rejects a shard of another version with an error that another worker may not have', async () => {
  const name = shardName(jobId, 'run', 'described', 0);
  await put(name, { version: SHARD_VERSION + 1, entries: [] });
  const read = readShards(store, { jobId, run: 'run' }, 'described', 1).next();
  await expect(read).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await expect(readShards(store, { jobId, run: 'run' }, 'described', 1).next()).rejects.toThrow(name);
});

it('rejects a request of another version', async () => {
  await put(requestName(jobId), { version: REQUEST_VERSION + 1, request: {} });
  await expect(readRequest(store, jobId)).rejects.toMatchObject({ code: 'unavailable' });
});

it('treats a generation of another version as missing', async () => {
  const name = generationName('a'.repeat(64));
  await put(name, { version: 0, kind: 'text', text: 'x', lines: ['x'] });
  expect(await findGeneration(store, name)).toBeUndefined();
});
