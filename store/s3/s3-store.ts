/**
 * Artifacts in a bucket of S3 or of what speaks its protocol. Needs conditional writes (`If-None-Match: *`) and strong
 * consistency; docs/store.md lists all that is asked of a bucket. Runs wherever `fetch` and WebCrypto are.
 */
import { isArtifactName, requireName, requirePrefix } from '../artifact-name.ts';
import { type BlobStore, EXPIRY_SETTLE_MS, StoreError } from '../artifact-store.ts';
import { createS3Client, type S3Options } from './client.ts';
import { createDirectUploads } from './direct.ts';
import { download, isNotFound, toReadableStream } from './download.ts';
import { asStoreError } from './failure.ts';
import { createBucketObjects, metadataOf, type BucketObjects } from './objects.ts';
import { createObjectReader } from './read.ts';
import { AFTER_BYTES, abortStaleUploads, removeOrphanedBytes } from './sweep.ts';
import { type IncrementalHash, publish, toStoredArtifact } from './upload.ts';

export interface S3StoreOptions extends S3Options {
  /** What comes before every name, such as `frameloom/`; empty, or ending with a slash. */
  readonly prefix?: string;
  readonly createSha256: () => IncrementalHash;
  /**
   * Size of a part of a large body, in bytes: two of them are the memory that an upload takes, and 10,000 the most it can be.
   * At least 5 MiB, which S3 asks for; by default 16 MiB, which is 156 GiB at most.
   */
  readonly partBytes?: number;
}

const DEFAULT_PART_BYTES = 16 * 2 ** 20;

/** A store in a bucket that is there already. */
export function createS3Store(options: S3StoreOptions): BlobStore {
  const client = createS3Client(options);
  const objects = createBucketObjects(client, options.prefix ?? '');
  const upload = { objects, createSha256: options.createSha256, partBytes: options.partBytes ?? DEFAULT_PART_BYTES };

  const { find, bytesKeyOf, whole, collect, entries } = createObjectReader(client, objects, options.createSha256);

  return withStoreErrors({
    async put(name, body) {
      requireName(name);
      if (!(body instanceof Uint8Array)) {
        // A long body is not sent for nothing.
        const found = await objects.head(name);
        if (found) return toStoredArtifact(found);
      }
      return publish(body, {
        ...upload,
        maxBytes: Number.POSITIVE_INFINITY,
        nameOf: () => name,
      });
    },

    async putByContent(prefix, body, { maxBytes = Number.POSITIVE_INFINITY } = {}) {
      requireName(`${prefix}/x`);
      return publish(body, {
        ...upload,
        maxBytes,
        nameOf: (sha256) => `${prefix}/${sha256}`,
      });
    },

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
        return toReadableStream(streamWithStoreErrors(download(client, { key: bytesKeyOf(object), start: range.start, end })));
      }
      // The first piece is fetched now, so that what is missing is said here and not in the stream.
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

    async delete(name) {
      requireName(name);
      const found = await objects.head(name);
      if (!found) return;
      // The name goes first: bytes without a name are swept, a name without bytes would be a broken artifact.
      await objects.remove(name);
      if (found.bytesKey !== undefined) await objects.remove(found.bytesKey);
    },

    touch: (name) => touchObject(objects, options.bucket, name),

    async expire(name, before) {
      requireName(name);
      const until = Date.now() + EXPIRY_SETTLE_MS;
      const object = await objects.head(name, EXPIRY_SETTLE_MS / 2);
      if (!object || object.modified >= before) return false;
      await objects.remove(name, until - Date.now());
      // The bytes of a large one stay until they are swept: a touch that met the removal may have brought the name back.
      return true;
    },

    async sweep(before) {
      const uploads = await abortStaleUploads(objects, before);
      const orphaned = await removeOrphanedBytes(objects, before);
      return { removed: uploads.removed + orphaned.removed, bytes: orphaned.bytes };
    },

    async signedUrl(name, seconds) {
      requireName(name);
      const object = await objects.head(name);
      return object && (await client.sign('GET', bytesKeyOf(object), seconds));
    },

    direct: createDirectUploads(objects, options.createSha256),
  });
}

/** Copies an object onto itself, which S3 allows if the metadata is replaced: its modification time becomes now. */
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

/** `first`, which was taken already, and what comes after it. */
async function* prepend(
  first: IteratorResult<Uint8Array>,
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  if (first.done) return;
  yield first.value;
  yield* rest;
}

/** The same stream, failing with errors of the store only. */
async function* streamWithStoreErrors<T>(values: AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* values;
  } catch (error) {
    throw asStoreError(error);
  }
}

/** Every method of `store`, failing with errors of the store only. */
function withStoreErrors(store: Required<BlobStore>): BlobStore {
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
