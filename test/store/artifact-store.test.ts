import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFolderStore } from '../../store/folder/index.ts';
import { withLocalFiles } from '../../store/local-files.ts';
import { createS3Client } from '../../store/s3/client.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { elements } from '../../store/s3/xml.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { all, createSha256, describeArtifactStore, PART, text } from './contract.ts';

describeArtifactStore('on a folder', async () => {
  const root = await mkdtemp(join(tmpdir(), 'frameloom-store-'));
  return {
    store: createFolderStore(root),
    leftovers: () => readdir(join(root, '.staging')),
    damage: (name, bytes) => writeFile(join(root, ...name.split('/'), 'data'), bytes),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
});

describe('an artifact in a folder after a power failure', () => {
  it.each([
    ['with an empty meta.json', (folder: string) => writeFile(join(folder, 'meta.json'), '')],
    ['without bytes', (folder: string) => rm(join(folder, 'data'))],
  ])('%s: is none, and can be made again', async (_, cut) => {
    const root = await mkdtemp(join(tmpdir(), 'frameloom-store-'));
    try {
      const store = createFolderStore(root);
      await store.put('crops/a', text('hello'));
      await cut(join(root, 'crops', 'a'));
      expect(await store.head('crops/a')).toBeUndefined();
      await expect(store.bytes('crops/a')).rejects.toMatchObject({ code: 'not_found' });
      await store.put('crops/a', text('hello'));
      expect(new TextDecoder().decode(await store.bytes('crops/a'))).toBe('hello');
    } finally {
      await rm(root, { recursive: true, force: true });
    }
  });
});

describe.skipIf(NO_S3_SERVER !== undefined)(
  `against a real S3 server${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await startBucket();
    });
    afterAll(() => bucket[Symbol.asyncDispose]());

    describeArtifactStore('in a bucket', async () => {
      const prefix = `${crypto.randomUUID()}/`;
      const client = createS3Client(bucket.options);
      const blobs = createS3Store({ ...bucket.options, prefix, createSha256, partBytes: PART });
      const folder = await mkdtemp(join(tmpdir(), 'frameloom-files-'));
      return {
        store: withLocalFiles(blobs, { folder, maxBytes: 2 ** 30 }),
        async leftovers() {
          const found = await client.text({ method: 'GET', query: { 'list-type': '2', prefix } });
          const uploads = await client.text({ method: 'GET', query: { uploads: '', prefix } });
          const names = new Set(await all(blobs.list('')));
          return [
            ...elements(found, 'Key').filter((key) => !names.has(key.slice(prefix.length))),
            ...elements(uploads, 'UploadId'),
          ];
        },
        async damage(name, bytes) {
          const { sha256 } = (await blobs.head(name)) ?? { sha256: '' };
          const headers = { 'x-amz-meta-sha256': sha256 };
          await client.text({ method: 'PUT', key: `${prefix}${name}`, headers, body: bytes });
        },
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
      };
    });
  },
);
