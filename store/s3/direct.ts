/**
 * Bytes that clients send straight to the bucket, part by part, by signed addresses. Nobody of ours sees them on their way, so that
 * their hash is known only once they were read back; until then they have no name, and a sweep takes them for remains.
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
import { BYTES, type Objects } from './objects.ts';
import { completeUpload, type Hashing, publishBytes } from './upload.ts';
import { elements, textOf } from './xml.ts';

export function createDirectUploads(objects: Objects, hashing: () => Hashing): Required<DirectUploads> {
  const { client, keyOf } = objects;

  async function* listParts({
    key,
    uploadId,
  }: DirectUpload): AsyncGenerator<UploadedPart & { etag: string }> {
    let marker: Record<string, string> = {};
    for (;;) {
      const query = { uploadId, ...marker };
      const xml = await client.text({ method: 'GET', key: keyOf(key), query }).catch((error: unknown) => {
        throw isGone(error) ? new StoreError('not_found', 'no such upload', { cause: error }) : error;
      });
      for (const part of elements(xml, 'Part')) {
        const etag = textOf(part, 'ETag') ?? '';
        yield { number: Number(textOf(part, 'PartNumber')), bytes: Number(textOf(part, 'Size')), etag };
      }
      const next = textOf(xml, 'NextPartNumberMarker');
      if (textOf(xml, 'IsTruncated') !== 'true' || next === undefined) return;
      marker = { 'part-number-marker': next };
    }
  }

  async function hashOf(key: string, bytes: number): Promise<string> {
    const hash = hashing();
    const span = { key: keyOf(key), start: 0, end: bytes };
    for await (const chunk of download(client, span)) await hash.update(chunk);
    return await hash.hex();
  }

  return {
    async begin() {
      const key = `${BYTES}${crypto.randomUUID()}`;
      const started = await client.text({ method: 'POST', key: keyOf(key), query: { uploads: '' } });
      return { key, uploadId: textOf(started, 'UploadId') ?? '' };
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
      // A try before may have got this far.
      if ((await objects.head(key)) === undefined) {
        const etags: string[] = [];
        for await (const { etag } of listParts(upload)) etags.push(etag);
        await completeUpload(objects, key, uploadId, etags);
      }
      const whole = await objects.head(key);
      if (!whole) throw new StoreError('not_found', 'no such upload');
      const sum = await hashOf(key, whole.bytes);
      return await publishBytes(objects, { name: `${prefix}/${sum}`, sha256: sum, bytes: whole.bytes, key });
    },

    async abort({ key, uploadId }) {
      await client.send({ method: 'DELETE', key: keyOf(key), query: { uploadId }, expect: [404] });
    },
  };
}

function isGone(error: unknown): boolean {
  return error instanceof S3Failure && (error.status === 404 || error.code === 'NoSuchUpload');
}
