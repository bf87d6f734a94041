/**
 * Uploads that clients send directly to the bucket in parts, by presigned URLs. Their hash is known only
 * after the bytes were read back. Until then they have no artifact name, and a sweep removes them if they are
 * old.
 */
import {
  type DirectUpload,
  type DirectUploads,
  type StoredArtifact,
  StoreError,
  type UploadedPart,
} from '../artifact-store.ts';
import { download } from './download.ts';
import { S3Failure } from './failure.ts';
import { type BucketObjects, BYTES_PREFIX } from './objects.ts';
import { completeUpload, type IncrementalHash, publishBytes } from './upload.ts';
import { elements, elementText } from './xml.ts';

export function createDirectUploads(
  objects: BucketObjects,
  createSha256: () => IncrementalHash,
): Required<DirectUploads> {
  const { client, keyOf } = objects;

  async function* listParts({
    key,
    uploadId,
  }: DirectUpload): AsyncGenerator<UploadedPart & { etag: string }> {
    let marker: Record<string, string> = {};
    for (;;) {
      const query = { uploadId, ...marker };
      const xml = await client.text({ method: 'GET', key: keyOf(key), query }).catch((error: unknown) => {
        throw isNoSuchUpload(error) ? new StoreError('not_found', 'no such upload', { cause: error }) : error;
      });
      for (const part of elements(xml, 'Part')) {
        const etag = elementText(part, 'ETag') ?? '';
        yield {
          number: Number(elementText(part, 'PartNumber')),
          bytes: Number(elementText(part, 'Size')),
          etag,
        };
      }
      const next = elementText(xml, 'NextPartNumberMarker');
      if (elementText(xml, 'IsTruncated') !== 'true' || next === undefined) return;
      marker = { 'part-number-marker': next };
    }
  }

  async function computeHash(key: string, bytes: number): Promise<string> {
    const hash = createSha256();
    const span = { key: keyOf(key), start: 0, end: bytes };
    for await (const chunk of download(client, span)) await hash.update(chunk);
    return await hash.hex();
  }

  return {
    async begin() {
      const key = `${BYTES_PREFIX}${crypto.randomUUID()}`;
      const started = await client.text({ method: 'POST', key: keyOf(key), query: { uploads: '' } });
      return { key, uploadId: elementText(started, 'UploadId') ?? '' };
    },

    async signPart({ key, uploadId }, { number, bytes }, seconds) {
      const query = { partNumber: String(number), uploadId };
      return await client.sign('PUT', keyOf(key), seconds, query, { 'content-length': String(bytes) });
    },

    async parts(upload) {
      const parts: UploadedPart[] = [];
      for await (const { number, bytes } of listParts(upload)) parts.push({ number, bytes });
      return parts;
    },

    async finish(upload, prefix): Promise<StoredArtifact> {
      const { key, uploadId } = upload;
      // An earlier attempt may have completed the upload.
      if ((await objects.head(key)) === undefined) {
        const etags: string[] = [];
        for await (const { etag } of listParts(upload)) etags.push(etag);
        await completeUpload(objects, key, uploadId, etags);
      }
      const whole = await objects.head(key);
      if (!whole) throw new StoreError('not_found', 'no such upload');
      const sum = await computeHash(key, whole.bytes);
      return await publishBytes(objects, { name: `${prefix}/${sum}`, sha256: sum, bytes: whole.bytes, key });
    },

    async abort({ key, uploadId }) {
      await client.send({ method: 'DELETE', key: keyOf(key), query: { uploadId }, acceptedStatuses: [404] });
    },
  };
}

function isNoSuchUpload(error: unknown): boolean {
  return error instanceof S3Failure && (error.status === 404 || error.code === 'NoSuchUpload');
}
