/**
 * Artifacts in a bucket of S3 or a compatible server. Requires conditional writes (`If-None-Match: *`) and
 * strong consistency; docs/store.md lists all requirements. Runs wherever `fetch` and WebCrypto are
 * available.
 */
import { isArtifactName, requireName, requirePrefix } from '../artifact-name.ts';
import { type BlobStore, EXPIRY_SETTLE_MS, StoreError } from '../artifact-store.ts';
import { createS3Client, type S3Options } from './client.ts';
import { createDirectUploads } from './direct.ts';
import { download, isNotFound, toReadableStream } from './download.ts';
import { asStoreError } from './failure.ts';
import { type BucketObjects, createBucketObjects, metadataOf } from './objects.ts';
import { createObjectReader } from './read.ts';
import { AFTER_BYTES, abortStaleUploads, removeOrphanedBytes } from './sweep.ts';
import { type IncrementalHash, publish, toStoredArtifact } from './upload.ts';

export interface S3StoreOptions extends S3Options {
  /** Prefix of all keys, such as `frameloom/`. Empty, or ending with a slash. */
  readonly prefix?: string;
  readonly createSha256: () => IncrementalHash;
  /**
   * Size of a part of a large body. An upload needs the memory of two parts and has at most 10,000. Minimum:
   * 5 MiB, as S3 requires. Default: 16 MiB, which limits an artifact to 156 GiB.
   */
  readonly partBytes?: number;
}

const DEFAULT_PART_BYTES = 16 * 2 ** 20;

/** Creates a store in an existing bucket. Sends no request yet. */
export function createS3Store(options: S3StoreOptions): BlobStore {
  const client = createS3Client(options);
  const objects = createBucketObjects(client, options.prefix ?? '');
  const { find, bytesKeyOf, whole, collect, entries } = createObjectReader(
    client,
    objects,
    options.createSha256,
  );

  return withStoreErrors({
    ...createWriter(objects, options),

    async head(name) {
      requireName(name);
      const found = await objects.head(name);
      return found && toStoredArtifact(found);
    },

    async read(name, range) {
      requireName(name);
      if (range) {
        const object = await find(name);
        const end = Math.min(range.end ?? object.bytes, object.bytes);
        return toReadableStream(
          streamWithStoreErrors(download(client, { key: bytesKeyOf(object), start: range.start, end })),
        );
      }
      // Reads the first chunk, so that `not_found` is thrown here and not by the stream.
      const chunks = streamWithStoreErrors(whole(name));
      const first = await chunks.next();
      return toReadableStream(prepend(first, chunks));
    },

    async bytes(name) {
      requireName(name);
      try {
        return await collect(name);
      } catch (error) {
        if (!(error instanceof StoreError) || error.code !== 'unavailable') throw error;
        return await collect(name);
      }
    },

    async *list(prefix, from) {
      requirePrefix(prefix);
      const start = from ?? (prefix === '' ? AFTER_BYTES : undefined);
      for await (const { name } of objects.list(prefix, start)) if (isArtifactName(name)) yield name;
    },

    entries,

    ...createMaintenance(objects, options.bucket),

    async signedUrl(name, seconds) {
      requireName(name);
      const object = await objects.head(name);
      return object && (await client.sign('GET', bytesKeyOf(object), seconds));
    },

    direct: createDirectUploads(objects, options.createSha256),
  });
}

/** The operations that create artifacts. */
function createWriter(
  objects: BucketObjects,
  { createSha256, partBytes = DEFAULT_PART_BYTES }: S3StoreOptions,
): Pick<BlobStore, 'put' | 'putByContent'> {
  const upload = { objects, createSha256, partBytes };
  return {
    async put(name, body) {
      requireName(name);
      if (!(body instanceof Uint8Array)) {
        // Avoids sending a long body that already exists.
        const found = await objects.head(name);
        if (found) return toStoredArtifact(found);
      }
      return publish(body, { ...upload, maxBytes: Number.POSITIVE_INFINITY, nameOf: () => name });
    },

    async putByContent(prefix, body, { maxBytes = Number.POSITIVE_INFINITY } = {}) {
      requireName(`${prefix}/x`);
      return publish(body, { ...upload, maxBytes, nameOf: (sha256) => `${prefix}/${sha256}` });
    },
  };
}

/** The operations that renew and remove artifacts. */
function createMaintenance(
  objects: BucketObjects,
  bucket: string,
): Pick<BlobStore, 'delete' | 'touch' | 'expire' | 'sweep'> {
  return {
    async delete(name) {
      requireName(name);
      const found = await objects.head(name);
      if (!found) return;
      // The name is removed first: a sweep removes bytes without a name, but a name without bytes is a broken
      // artifact.
      await objects.remove(name);
      if (found.bytesKey !== undefined) await objects.remove(found.bytesKey);
    },

    touch: (name) => touchObject(objects, bucket, name),

    async expire(name, before) {
      requireName(name);
      const until = Date.now() + EXPIRY_SETTLE_MS;
      const object = await objects.head(name, EXPIRY_SETTLE_MS / 2);
      if (!object || object.modified >= before) return false;
      await objects.remove(name, until - Date.now());
      // The bytes of a large artifact are left to a sweep, because a concurrent touch may have restored the
      // name.
      return true;
    },

    async sweep(before) {
      const uploads = await abortStaleUploads(objects, before);
      const orphaned = await removeOrphanedBytes(objects, before);
      return { removed: uploads.removed + orphaned.removed, bytes: orphaned.bytes };
    },
  };
}

/**
 * Copies an object onto itself, which S3 allows if the metadata is replaced: its modification time becomes
 * now.
 */
async function touchObject(objects: BucketObjects, bucket: string, name: string): Promise<boolean> {
  requireName(name);
  const object = await objects.head(name);
  if (!object) return false;
  const { bytes, sha256, bytesKey } = object;
  const key = objects.keyOf(name);
  const headers = {
    ...metadataOf(sha256, bytesKey === undefined ? undefined : { bytes, key: bytesKey }),
    'x-amz-copy-source': `/${bucket}/${key}`,
    'x-amz-metadata-directive': 'REPLACE',
    'x-amz-meta-touched': '1',
  };
  try {
    await objects.client.text({ method: 'PUT', key, headers });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

/** Yields `first`, which was read already, and the rest. */
async function* prepend(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** Yields the same values, and converts failures of the bucket to StoreErrors. */
async function* streamWithStoreErrors<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* values;
  } catch (error) {
    throw asStoreError(error);
  }
}

/** Wraps each method of `store` to convert failures of the bucket to StoreErrors. */
function withStoreErrors(store: Required<Omit<BlobStore, 'isShared' | 'scope'>>): BlobStore {
  const call = <A extends readonly unknown[], R>(method: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      try {
        return await method(...args);
      } catch (error) {
        throw asStoreError(error);
      }
    };
  };
  return {
    put: call(store.put),
    putByContent: call(store.putByContent),
    head: call(store.head),
    read: call(store.read),
    bytes: call(store.bytes),
    list: (prefix, from) => streamWithStoreErrors(store.list(prefix, from)),
    entries: (prefix, from) => streamWithStoreErrors(store.entries(prefix, from)),
    delete: call(store.delete),
    touch: call(store.touch),
    expire: call(store.expire),
    sweep: call(store.sweep),
    signedUrl: call(store.signedUrl),
    direct: {
      begin: call(store.direct.begin),
      signPart: call(store.direct.signPart),
      parts: call(store.direct.parts),
      finish: call(store.direct.finish),
      abort: call(store.direct.abort),
    },
  };
}
