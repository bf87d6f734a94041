import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SignedParts, Upload } from '../../schema/upload.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { SOURCES } from '../../store/names.ts';
import { createS3Store } from '../../store/s3/index.ts';
import { createSha256, PART, sha256Of } from '../store/contract.ts';
import { NO_S3_SERVER, startBucket, type TestBucket } from '../support/s3-server.ts';
import { contentOf } from '../support/tenant-content.ts';
import { type Harness, withApp } from './harness.ts';

const MIB = 2 ** 20;
/** Two parts, the second of which is short. */
const BYTES = 16 * MIB + 1234;
const BODY = new Uint8Array(BYTES).map((_, index) => (index * 31 + (index >> 13)) % 251);

const keyOf = (tenant: string): { tenant: string; sha256: string } => ({
  tenant,
  sha256: createHash('sha256').update(`key-of-${tenant}`).digest('hex'),
});
const as = (tenant: string): Record<string, string> => ({ Authorization: `Bearer key-of-${tenant}` });

describe.skipIf(NO_S3_SERVER !== undefined)(
  `uploads past the API${NO_S3_SERVER ? ` (${NO_S3_SERVER})` : ''}`,
  () => {
    let bucket: TestBucket;
    let store: BlobStore;
    beforeAll(async () => {
      bucket = await startBucket();
      store = createS3Store({ ...bucket.options, prefix: 'a/', createSha256, partBytes: PART });
    });
    afterAll(() => bucket[Symbol.asyncDispose]());

    const withBucket = (use: (harness: Harness) => Promise<void>, maxUploadBytes = 10 ** 9): Promise<void> =>
      withApp(use, { store, maxUploadBytes, keys: ['anna', 'bob'].map(keyOf) });

    async function begin({ post }: Harness, body: object, tenant = 'anna'): Promise<Upload> {
      const response = await post('/v1/uploads', body, as(tenant));
      expect(response.status).toBe(201);
      const upload = Upload.parse(await response.json());
      expect(response.headers.get('Location')).toBe(`/v1/uploads/${upload.id}`);
      return upload;
    }

    async function send({ post }: Harness, { id, part_bytes }: Upload, numbers: number[]): Promise<void> {
      const response = await post(`/v1/uploads/${id}/parts`, { part_numbers: numbers }, as('anna'));
      expect(response.status).toBe(200);
      const { data } = SignedParts.parse(await response.json());
      for (const { part_number: number, bytes, url } of data) {
        const start = (number - 1) * part_bytes;
        const put = await fetch(url, { method: 'PUT', body: BODY.slice(start, start + bytes) });
        expect(put.status).toBe(200);
        await put.body?.cancel();
      }
    }

    const complete = ({ post }: Harness, { id }: Upload): Promise<Response> | Response =>
      post(`/v1/uploads/${id}/complete`, '', as('anna'));

    it('end as the file that an ordinary upload of the same bytes is', () =>
      withBucket(async (harness) => {
        const { app } = harness;
        const upload = await begin(harness, { filename: '../talk.mp4', bytes: BYTES });
        expect(upload).toMatchObject({
          ...{ status: 'pending', filename: 'talk.mp4', purpose: 'source', file: null },
          ...{ bytes: BYTES, part_bytes: 16 * MIB, parts: 2, received: [] },
        });
        await send(harness, upload, [2]);
        const early = await complete(harness, upload);
        expect(early.status).toBe(409);
        expect(await early.json()).toMatchObject({
          code: 'upload_incomplete',
          detail: 'Part 1 of 2 is missing.',
        });
        const looked = await app.request(`/v1/uploads/${upload.id}`, { headers: as('anna') });
        expect(await looked.json()).toMatchObject({ status: 'pending', received: [2] });
        await send(harness, upload, [1]);

        const done = await complete(harness, upload);
        expect(done.status).toBe(200);
        const { file, status, received } = Upload.parse(await done.json());
        const sha256 = createHash('sha256').update(BODY).digest('hex');
        expect({ status, received }).toEqual({ status: 'completed', received: [1, 2] });
        expect(file).toMatchObject({ filename: 'talk.mp4', purpose: 'source', bytes: BYTES, sha256 });
        expect(await sha256Of(await contentOf(store, 'anna').read(`${SOURCES}/${sha256}`))).toBe(sha256);
        const found = await app.request(`/v1/files/${file?.id}`, { headers: as('anna') });
        expect(await found.json()).toEqual(file);
        // Asked again, after a broken connection, it is the same file.
        expect(Upload.parse(await (await complete(harness, upload)).json()).file).toEqual(file);
        // The same bytes in one piece are the same artifact.
        const ordinary = await app.request('/v1/files', {
          method: 'POST',
          body: BODY,
          headers: as('anna'),
        });
        expect(await ordinary.json()).toMatchObject({ sha256, bytes: BYTES });
      }));

    it('belong to the tenant that began them', () =>
      withBucket(async (harness) => {
        const { id } = await begin(harness, { bytes: 10 });
        const paths = [
          ['GET', `/v1/uploads/${id}`],
          ['DELETE', `/v1/uploads/${id}`],
          ['POST', `/v1/uploads/${id}/complete`],
        ] as const;
        for (const [method, path] of paths) {
          const response = await harness.app.request(path, { method, headers: as('bob') });
          expect(response.status).toBe(404);
        }
        const parts = await harness.post(`/v1/uploads/${id}/parts`, { part_numbers: [1] }, as('bob'));
        expect(parts.status).toBe(404);
        expect((await harness.app.request(`/v1/uploads/${id}`)).status).toBe(401);
      }));

    it('can be taken back, and are gone then', () =>
      withBucket(async (harness) => {
        const upload = await begin(harness, { bytes: BYTES });
        await send(harness, upload, [1]);
        const path = `/v1/uploads/${upload.id}`;
        const gone = await harness.app.request(path, { method: 'DELETE', headers: as('anna') });
        expect(gone.status).toBe(204);
        expect((await harness.app.request(path, { headers: as('anna') })).status).toBe(404);
        expect((await complete(harness, upload)).status).toBe(404);
      }));

    it('expire after a day', () =>
      withBucket(async (harness) => {
        const upload = await begin(harness, { bytes: 10 });
        await harness.clock.sleep(24 * 3_600_000 - 1000);
        const path = `/v1/uploads/${upload.id}`;
        expect((await harness.app.request(path, { headers: as('anna') })).status).toBe(200);
        await harness.clock.sleep(1001);
        expect((await harness.app.request(path, { headers: as('anna') })).status).toBe(404);
        expect((await complete(harness, upload)).status).toBe(404);
      }));

    it.each([
      ['no length', {}],
      ['no bytes', { bytes: 0 }],
      ['a part of a byte', { bytes: 1.5 }],
      ['what is not known', { bytes: 1, sha256: 'a' }],
      ['a purpose that only the server has', { bytes: 1, purpose: 'batch_output' }],
    ])('are refused with %s', (_, body) =>
      withBucket(async ({ post }) => {
        const response = await post('/v1/uploads', body, as('anna'));
        expect(response.status).toBe(400);
        expect(await response.json()).toMatchObject({ code: 'invalid_request' });
      }),
    );

    it.each([[[0]], [[3]], [[]], [Array.from({ length: 101 }, (_, index) => index + 1)]])(
      'have no addresses for the parts %j',
      (part_numbers) =>
        withBucket(async (harness) => {
          const { id } = await begin(harness, { bytes: BYTES });
          const response = await harness.post(`/v1/uploads/${id}/parts`, { part_numbers }, as('anna'));
          expect(response.status).toBe(400);
        }),
    );

    it('are as large as files may be, and no larger', () =>
      withBucket(async (harness) => {
        expect((await begin(harness, { bytes: 1000 })).parts).toBe(1);
        const response = await harness.post('/v1/uploads', { bytes: 1001 }, as('anna'));
        expect(response.status).toBe(413);
      }, 1000));

    it('have at most 10,000 parts, which grow with the file', () =>
      withBucket(async (harness) => {
        const upload = await begin(harness, { bytes: 10 ** 12 });
        // 10^12 bytes in 10,000 parts are 95.4 MiB each.
        expect(upload).toMatchObject({ part_bytes: 96 * MIB, parts: Math.ceil(10 ** 12 / (96 * MIB)) });
        expect(upload.parts).toBeLessThanOrEqual(10_000);
      }, 10 ** 12));
  },
);

it('rejects direct uploads if artifacts are in a folder', () =>
  withApp(async ({ post }) => {
    const response = await post('/v1/uploads', { bytes: 10 });
    expect(response.status).toBe(501);
    expect(await response.json()).toMatchObject({ code: 'not_supported', retryable: false });
  }));
