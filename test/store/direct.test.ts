import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BlobStore, DirectUpload, DirectUploads } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { createS3Client } from '../../store/s3/client.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { elements } from '../../store/s3/xml.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { all, collect, createSha256, mebibytes, PART, sha256, sha256Of } from './contract.ts';

const MIB = 2 ** 20;
/** Bytes that are no multiple of anything. */
const BODY = crypto.getRandomValues(new Uint8Array(65_536));

function part(bytes: number, fill: number): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(bytes).fill(fill);
  body.set(BODY.subarray(0, Math.min(bytes, BODY.length)));
  return body;
}

describe.skipIf(NO_S3_SERVER !== undefined)(
  `a direct upload to a real S3 server${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let bucket: TestBucket;
    beforeAll(async () => {
      bucket = await startBucket();
    });
    afterAll(() => bucket[Symbol.asyncDispose]());

    function open(): { store: BlobStore; direct: DirectUploads; objects(): Promise<readonly string[]> } {
      const prefix = `${crypto.randomUUID()}/`;
      const store = createS3Store({ ...bucket.options, prefix, createSha256, partBytes: PART });
      const client = createS3Client(bucket.options);
      if (!store.direct) throw new Error('a bucket has direct uploads');
      return {
        store,
        direct: store.direct,
        async objects() {
          const found = await client.text({ method: 'GET', query: { 'list-type': '2', prefix } });
          const uploads = await client.text({ method: 'GET', query: { uploads: '', prefix } });
          return [...elements(found, 'Key'), ...elements(uploads, 'UploadId')];
        },
      };
    }

    /** What any client does with an address: nothing but a PUT. */
    async function send(
      direct: DirectUploads,
      upload: DirectUpload,
      number: number,
      body: Uint8Array<ArrayBuffer>,
    ): Promise<number> {
      const url = await direct.signPart(upload, { number, bytes: body.byteLength }, 60);
      const response = await fetch(url, { method: 'PUT', body });
      await response.body?.cancel();
      return response.status;
    }

    it('results in the same artifact as an ordinary upload', async () => {
      const { store, direct, objects } = open();
      const bodies = [part(5 * MIB, 1), part(5 * MIB, 2), part(123_457, 3)];
      const whole = Buffer.concat(bodies);
      const upload = await direct.begin();
      // In any order, and one of them twice.
      for (const number of [3, 1, 2, 1]) {
        expect(await send(direct, upload, number, bodies[number - 1] ?? part(0, 0))).toBe(200);
      }
      expect(await direct.parts(upload)).toEqual([
        { number: 1, bytes: 5 * MIB },
        { number: 2, bytes: 5 * MIB },
        { number: 3, bytes: 123_457 },
      ]);
      expect(await all(store.list(''))).toEqual([]);
      const artifact = await direct.finish(upload, 'sources');
      const name = `sources/${sha256(whole)}`;
      expect(artifact).toMatchObject({ name, bytes: whole.length, sha256: sha256(whole) });
      expect(await store.head(name)).toMatchObject({ name, bytes: whole.length, sha256: sha256(whole) });
      expect(await sha256Of(await store.read(name))).toBe(sha256(whole));
      expect(await all(store.list(''))).toEqual([name]);
      // The ordinary one finds it there.
      expect(await store.putByContent('sources', whole)).toMatchObject({ name, sha256: sha256(whole) });
      expect(await direct.finish(upload, 'sources')).toMatchObject({ name });
      await expect(direct.parts(upload)).rejects.toMatchObject({ code: 'not_found' });
      await store.delete(name);
      expect(await objects()).toEqual([]);
    });

    it('keeps the first artifact if the same bytes already exist', async () => {
      const { store, direct, objects } = open();
      const first = await store.putByContent('sources', mebibytes(6));
      const before = await objects();
      const upload = await direct.begin();
      expect(await send(direct, upload, 1, await bytesOf(mebibytes(5)))).toBe(200);
      expect(await send(direct, upload, 2, new Uint8Array(MIB).fill(5))).toBe(200);
      expect(await direct.finish(upload, 'sources')).toMatchObject({ name: first.name });
      expect(await objects()).toEqual(before);
      await expect(direct.finish(upload, 'sources')).rejects.toMatchObject({ code: 'not_found' });
    });

    it('accepts only the signed part with the signed length', async () => {
      const { direct } = open();
      const upload = await direct.begin();
      const url = await direct.signPart(upload, { number: 1, bytes: 10 }, 60);
      const longer = await fetch(url, { method: 'PUT', body: new Uint8Array(11) });
      expect(longer.status).toBe(403);
      await longer.body?.cancel();
      const other = await fetch(url.replace('partNumber=1', 'partNumber=2'), {
        method: 'PUT',
        body: new Uint8Array(10),
      });
      expect(other.status).toBe(403);
      await other.body?.cancel();
      expect(await direct.parts(upload)).toEqual([]);
      await direct.abort(upload);
    });

    it('can be aborted twice and leaves nothing', async () => {
      const { direct, objects } = open();
      const upload = await direct.begin();
      expect(await send(direct, upload, 1, part(1000, 1))).toBe(200);
      await direct.abort(upload);
      await direct.abort(upload);
      expect(await objects()).toEqual([]);
      await expect(direct.finish(upload, 'sources')).rejects.toMatchObject({ code: 'not_found' });
      expect(await send(direct, upload, 2, part(1000, 1))).toBe(404);
    });

    it('is swept if it is not finished', async () => {
      const { store, direct, objects } = open();
      await send(direct, await direct.begin(), 1, part(1000, 1));
      expect((await store.sweep(Date.now() + 5000)).removed).toBe(1);
      expect(await objects()).toEqual([]);
    });

    it('publishes a file of one byte that can be read at once', async () => {
      const { store, direct } = open();
      const upload = await direct.begin();
      await send(direct, upload, 1, new TextEncoder().encode('x'));
      const { name } = await direct.finish(upload, 'sources');
      expect(name).toBe(`sources/${sha256('x')}`);
      expect(await collect(await store.read(name))).toBe('x');
    });
  },
);

it('has no direct uploads in a folder, which clients cannot reach', () => {
  expect(createFolderStore('/nowhere').direct).toBeUndefined();
});

async function bytesOf(values: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(Buffer.concat(await all(values)));
}
