/** Reads objects of a bucket and checks whole reads against their hash. */

import { isArtifactName, requirePrefix } from '../artifact-name.ts';
import { type ArtifactEntry, StoreError } from '../artifact-store.ts';
import type { S3Client } from './client.ts';
import { download, RANGE_BYTES } from './download.ts';
import { type BucketObjects, parseObject, type StoredObject } from './objects.ts';
import { AFTER_BYTES } from './sweep.ts';
import type { IncrementalHash } from './upload.ts';

export interface ObjectReader {
  /** @throws StoreError `not_found`. */
  find(name: string): Promise<StoredObject>;
  /** Key of the bytes, which for a large artifact differs from the key of its name. */
  bytesKeyOf(object: StoredObject): string;
  /** All bytes in chunks. @throws StoreError `not_found`, `corrupt` after the last chunk. */
  whole(name: string): AsyncGenerator<Uint8Array>;
  /** All bytes at once. */
  collect(name: string): Promise<Uint8Array>;
  entries(prefix: string, after?: string): AsyncGenerator<ArtifactEntry>;
}

export function createObjectReader(
  client: S3Client,
  objects: BucketObjects,
  createSha256: () => IncrementalHash,
): ObjectReader {
  async function find(name: string): Promise<StoredObject> {
    const object = await objects.head(name);
    if (!object) throw new StoreError('not_found', `no artifact ${name}`);
    return object;
  }

  const bytesKeyOf = ({ name, bytesKey }: StoredObject): string => objects.keyOf(bytesKey ?? name);

  /** All bytes of `name` in chunks. The hash is checked after the last chunk. */
  async function* whole(name: string): AsyncGenerator<Uint8Array> {
    const response = await client.send({ method: 'GET', key: objects.keyOf(name), acceptedStatuses: [404] });
    const found = response.status === 404 ? undefined : parseObject(name, response.headers);
    // The bytes of a large artifact have another key, and those of more than a range are requested by ranges.
    const isHere = found !== undefined && found.bytesKey === undefined && found.bytes <= RANGE_BYTES;
    if (!isHere) await response.body?.cancel();
    // A second request, because a bucket may temporarily report that an existing object is missing.
    const object = found ?? (await find(name));
    const span = { key: bytesKeyOf(object), start: 0, end: object.bytes };
    const hash = createSha256();
    for await (const chunk of download(client, span, isHere ? response : undefined)) {
      await hash.update(chunk);
      yield chunk;
    }
    if ((await hash.hex()) !== object.sha256) throw await diagnoseDamage(object);
  }

  /**
   * Bytes that do not match their hash were damaged in transit or in the bucket. A second read finds out
   * which. An artifact that is damaged in the bucket is removed, so that it can be created again.
   */
  async function diagnoseDamage(object: StoredObject): Promise<StoreError> {
    const hash = createSha256();
    const span = { key: bytesKeyOf(object), start: 0, end: object.bytes };
    for await (const chunk of download(client, span)) await hash.update(chunk);
    if ((await hash.hex()) === object.sha256) {
      return new StoreError('unavailable', `artifact ${object.name} was damaged in transit`);
    }
    await objects.remove(object.name);
    if (object.bytesKey !== undefined) await objects.remove(object.bytesKey);
    return new StoreError('corrupt', `artifact ${object.name} does not match its hash`);
  }

  async function collect(name: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of whole(name)) chunks.push(chunk);
    const all = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
    let at = 0;
    for (const chunk of chunks) {
      all.set(chunk, at);
      at += chunk.byteLength;
    }
    return all;
  }

  async function* entries(prefix: string, after?: string): AsyncGenerator<ArtifactEntry> {
    requirePrefix(prefix);
    const from = after ?? (prefix === '' ? AFTER_BYTES : undefined);
    for await (const entry of objects.list(prefix, from)) {
      // The bucket may contain objects of other programs.
      if (!isArtifactName(entry.name)) continue;
      // An empty object may represent a large artifact.
      const object = entry.bytes === 0 ? await objects.head(entry.name) : entry;
      if (object) yield { name: entry.name, bytes: object.bytes, modified: entry.modified };
    }
  }

  return { find, bytesKeyOf, whole, collect, entries };
}
