/**
 * The layout of artifacts in a bucket. A small artifact, of at most one part, is an object under its name
 * with its hash as metadata, published by one conditional put. The hash of a larger artifact is known only
 * after all bytes were sent, and metadata cannot be added later: its bytes are sent by a multipart upload to
 * a separate key, and then an empty object with hash, size and that key as metadata is published under the
 * name by a conditional put. In both cases one request publishes, the first writer wins, and one HEAD returns
 * all metadata.
 */
import type { StoredArtifact } from '../artifact-store.ts';
import type { S3Client } from './client.ts';
import { elements, elementText } from './xml.ts';

/** Prefix of the bytes of large artifacts. No artifact name starts with a dot. */
export const BYTES_PREFIX = '.bytes/';

export interface StoredObject extends StoredArtifact {
  /** Key of the bytes, relative to the store. Undefined if they are in the object under the name. */
  readonly bytesKey: string | undefined;
}

export function metadataOf(
  sha256: string,
  large?: { readonly bytes: number; readonly key: string },
): Record<string, string> {
  return {
    'content-type': 'application/octet-stream',
    'x-amz-meta-sha256': sha256,
    ...(large ? { 'x-amz-meta-bytes': String(large.bytes), 'x-amz-meta-bytes-key': large.key } : {}),
  };
}

/** Parses the response headers of the object of an artifact. */
export function parseObject(name: string, headers: Headers): StoredObject {
  const bytesKey = headers.get('x-amz-meta-bytes-key') ?? undefined;
  return {
    name,
    bytes: Number(headers.get(bytesKey === undefined ? 'content-length' : 'x-amz-meta-bytes')),
    sha256: headers.get('x-amz-meta-sha256') ?? '',
    modified: Date.parse(headers.get('last-modified') ?? ''),
    touched: headers.has('x-amz-meta-touched'),
    bytesKey,
  };
}

/** The objects of a store in a bucket below the prefix of the store. */
export interface BucketObjects {
  readonly client: S3Client;
  keyOf(name: string): string;
  head(name: string, timeoutMs?: number): Promise<StoredObject | undefined>;
  /** Removes one object. */
  remove(name: string, timeoutMs?: number): Promise<void>;
  /** Every object below `prefix`, after `after`, in order. */
  list(prefix: string, after?: string): AsyncGenerator<ListedObject>;
}

/** An object of a listing; its name is relative to the store. */
export interface ListedObject {
  readonly name: string;
  readonly bytes: number;
  readonly modified: number;
}

export function createBucketObjects(client: S3Client, prefix: string): BucketObjects {
  const keyOf = (name: string): string => `${prefix}${name}`;
  const limit = (timeoutMs: number | undefined): { timeoutMs?: number } =>
    timeoutMs === undefined ? {} : { timeoutMs };

  return {
    client,
    keyOf,

    async head(name, timeoutMs) {
      const response = await client.send({
        method: 'HEAD',
        key: keyOf(name),
        acceptedStatuses: [404],
        ...limit(timeoutMs),
      });
      return response.status === 404 ? undefined : parseObject(name, response.headers);
    },

    async remove(name, timeoutMs) {
      await client.text({ method: 'DELETE', key: keyOf(name), acceptedStatuses: [404], ...limit(timeoutMs) });
    },

    async *list(below, after) {
      let next: Record<string, string> = after === undefined ? {} : { 'start-after': keyOf(after) };
      for (;;) {
        const xml = await client.text({
          method: 'GET',
          query: { 'list-type': '2', prefix: keyOf(below), ...next },
        });
        for (const found of elements(xml, 'Contents')) {
          const name = (elementText(found, 'Key') ?? '').slice(prefix.length);
          const modified = Date.parse(elementText(found, 'LastModified') ?? '');
          yield { name, bytes: Number(elementText(found, 'Size')), modified };
        }
        const token = elementText(xml, 'NextContinuationToken');
        if (elementText(xml, 'IsTruncated') !== 'true' || token === undefined) return;
        next = { 'continuation-token': token };
      }
    },
  };
}
