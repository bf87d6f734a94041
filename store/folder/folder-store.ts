/**
 * Artifacts in a folder. Each artifact is a folder `<root>/<name>/` with `data` and `meta.json`. It is
 * written to a staging folder and published by one rename, hence readers see all or nothing, and the first
 * writer wins. Files are not flushed: a power failure may lose or damage recent artifacts, which the hash
 * detects when they are read.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { requireName, requirePrefix } from '../artifact-name.ts';
import {
  type ArtifactBody,
  type ArtifactEntry,
  type ArtifactInfo,
  type ArtifactStore,
  type StoredArtifact,
  StoreError,
} from '../artifact-store.ts';
import { asStoreError, hasCode, undefinedIfMissing } from './folder-errors.ts';
import { namesBelow, sweepStaging } from './folder-walk.ts';

/** Staging folders of killed writers are removed after this time. */
const STAGING_LIFETIME_MS = 3_600_000;
/**
 * Files up to this size are verified before a program gets their path. Larger ones, such as videos, are not
 * read twice.
 */
const MAX_VERIFIED_BYTES = 64 * 2 ** 20;

export interface FolderStoreOptions {
  /** Returns the modification time of new artifacts, in milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** Creates a store in the folder `root`, which is created by the first write. */
export function createFolderStore(root: string, { now = Date.now }: FolderStoreOptions = {}): ArtifactStore {
  const staging = join(root, '.staging');
  let swept: Promise<unknown> | undefined;

  function pathOf(name: string): string {
    requireName(name);
    return join(root, ...name.split('/'));
  }

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const folder = pathOf(name);
    const text = await readFile(join(folder, 'meta.json'), 'utf8').catch(undefinedIfMissing);
    if (text === undefined) return undefined;
    const data = await stat(join(folder, 'data')).catch(undefinedIfMissing);
    const meta = readMeta(text);
    if (meta === undefined || !data) {
      // A power failure left an incomplete artifact. It is removed, so that it can be created again.
      await rm(folder, { recursive: true, force: true });
      return undefined;
    }
    return { name, ...meta, modified: data.mtimeMs };
  }

  async function requireArtifact(name: string): Promise<StoredArtifact> {
    const info = await head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    return info;
  }

  /** Writes `body` to a staging folder, then renames that to the result of `nameOf` for its hash. */
  async function publish(
    body: ArtifactBody,
    nameOf: (sha256: string) => string,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<StoredArtifact> {
    swept ??= sweepStaging(staging, now() - STAGING_LIFETIME_MS);
    await swept;
    const folder = join(staging, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      const { bytes, sha256 } = await write(join(folder, 'data'), body, maxBytes);
      await writeFile(join(folder, 'meta.json'), JSON.stringify({ bytes, sha256 }));
      const modified = now();
      await utimes(join(folder, 'data'), modified / 1000, modified / 1000);
      const name = nameOf(sha256);
      const target = pathOf(name);
      await mkdir(join(target, '..'), { recursive: true });
      try {
        await rename(folder, target);
        return { name, bytes, sha256, modified };
      } catch (error) {
        if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
        return await requireArtifact(name);
      }
    } catch (error) {
      throw asStoreError(error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function* entries(prefix: string, after?: string): AsyncGenerator<ArtifactEntry> {
    for await (const name of list(prefix, after)) {
      const info = await stat(join(pathOf(name), 'data')).catch(undefinedIfMissing);
      if (info) yield { name, bytes: info.size, modified: info.mtimeMs };
    }
  }

  async function* list(prefix: string, after?: string): AsyncGenerator<string> {
    requirePrefix(prefix);
    const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
    for await (const name of namesBelow(join(root, ...folder.split('/')), folder)) {
      if (name.startsWith(prefix) && (after === undefined || name > after)) yield name;
    }
  }

  return {
    async put(name, body) {
      requireName(name);
      return (await head(name)) ?? (await publish(body, () => name));
    },

    putByContent(prefix, body, options) {
      return publish(body, (sha256) => `${prefix}/${sha256}`, options?.maxBytes);
    },

    head,

    async read(name, range) {
      const info = await requireArtifact(name);
      const path = join(pathOf(name), 'data');
      if (range) {
        const end = Math.min(range.end ?? info.bytes, info.bytes);
        if (range.start >= end) return Readable.toWeb(Readable.from([])) as ReadableStream<Uint8Array>;
        return toWeb(createReadStream(path, { start: range.start, end: end - 1 }));
      }
      return toWeb(
        Readable.from(
          verifyWhileReading(createReadStream(path), info, () =>
            rm(pathOf(name), { recursive: true, force: true }),
          ),
        ),
      );
    },

    async bytes(name) {
      const info = await requireArtifact(name);
      const data = await readFile(join(pathOf(name), 'data')).catch((error: unknown) => {
        throw asStoreError(error);
      });
      if (createHash('sha256').update(data).digest('hex') !== info.sha256) {
        await rm(pathOf(name), { recursive: true, force: true });
        throw new StoreError('corrupt', `artifact ${name} does not match its hash`);
      }
      return data;
    },

    list,
    entries,

    async delete(name) {
      await rm(pathOf(name), { recursive: true, force: true });
    },

    async touch(name) {
      const at = now() / 1000;
      return await utimes(join(pathOf(name), 'data'), at, at).then(() => true, falseIfMissing);
    },

    async expire(name, before) {
      const target = pathOf(name);
      const isOld = async (folder: string): Promise<boolean> => {
        const info = await stat(join(folder, 'data')).catch(undefinedIfMissing);
        return info !== undefined && info.mtimeMs < before;
      };
      if (!(await isOld(target))) return false;
      // It is renamed first and checked again, so that no touch can happen between the check and the removal.
      const claimed = join(staging, randomUUID());
      await mkdir(staging, { recursive: true });
      const taken = await rename(target, claimed).then(() => true, falseIfMissing);
      if (!taken) return false;
      const removed = await isOld(claimed);
      if (!removed) await rename(claimed, target).catch(() => undefined); // it was created again
      await rm(claimed, { recursive: true, force: true });
      return removed;
    },

    sweep(before) {
      return sweepStaging(staging, before);
    },

    async withFile(name, use) {
      const info = await requireArtifact(name);
      const path = join(pathOf(name), 'data');
      if (info.bytes <= MAX_VERIFIED_BYTES) await verifyFile(path, info);
      return use(path);
    },
  };

  /** Reads a file only to verify its hash. */
  async function verifyFile(path: string, info: ArtifactInfo): Promise<void> {
    const discard = (): Promise<void> => rm(pathOf(info.name), { recursive: true, force: true });
    for await (const _ of verifyWhileReading(createReadStream(path), info, discard)) {
      // reading computes the hash
    }
  }
}

/** Parses `meta.json`. Returns undefined if a power failure damaged it. */
function readMeta(text: string): { readonly bytes: number; readonly sha256: string } | undefined {
  try {
    return JSON.parse(text) as { bytes: number; sha256: string }; // valid JSON is as it was written
  } catch {
    return undefined;
  }
}

async function write(
  path: string,
  body: ArtifactBody,
  maxBytes: number,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new StoreError('too_large', `longer than ${maxBytes} bytes`);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function* verifyWhileReading(
  chunks: AsyncIterable<Uint8Array>,
  info: ArtifactInfo,
  discard: () => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== info.sha256) {
    await discard();
    throw new StoreError('corrupt', `artifact ${info.name} does not match its hash`);
  }
}

function falseIfMissing(error: unknown): boolean {
  undefinedIfMissing(error);
  return false;
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}
