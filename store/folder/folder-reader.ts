/** Reads and lists the artifacts of a folder store. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { requirePrefix } from '../artifact-name.ts';
import { type ArtifactInfo, type ArtifactStore, type StoredArtifact, StoreError } from '../artifact-store.ts';
import { asStoreError, undefinedIfMissing } from './folder-errors.ts';
import type { FolderPaths } from './folder-paths.ts';
import { namesBelow } from './folder-walk.ts';

/**
 * Files up to this size are verified before a program gets their path. Larger ones, such as videos, are not
 * read twice.
 */
const MAX_VERIFIED_BYTES = 64 * 2 ** 20;

export interface FolderReader
  extends Pick<ArtifactStore, 'head' | 'read' | 'bytes' | 'list' | 'entries' | 'withFile'> {
  /** As `head`. @throws StoreError `not_found`. */
  requireArtifact(name: string): Promise<StoredArtifact>;
}

export function createFolderReader(paths: FolderPaths): FolderReader {
  const { root, folderOf, dataOf, remove } = paths;

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const text = await readFile(join(folderOf(name), 'meta.json'), 'utf8').catch(undefinedIfMissing);
    if (text === undefined) return undefined;
    const data = await stat(dataOf(name)).catch(undefinedIfMissing);
    const meta = parseMeta(text);
    if (meta === undefined || !data) {
      // A power failure left an incomplete artifact. It is removed, so that it can be created again.
      await remove(name);
      return undefined;
    }
    return { name, ...meta, modified: data.mtimeMs };
  }

  async function requireArtifact(name: string): Promise<StoredArtifact> {
    const info = await head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    return info;
  }

  async function* list(prefix: string, after?: string): AsyncGenerator<string> {
    requirePrefix(prefix);
    const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
    for await (const name of namesBelow(join(root, ...folder.split('/')), folder)) {
      if (name.startsWith(prefix) && (after === undefined || name > after)) yield name;
    }
  }

  return {
    head,
    requireArtifact,
    list,

    async *entries(prefix, after) {
      for await (const name of list(prefix, after)) {
        const info = await stat(dataOf(name)).catch(undefinedIfMissing);
        if (info) yield { name, bytes: info.size, modified: info.mtimeMs };
      }
    },

    async read(name, range) {
      const info = await requireArtifact(name);
      if (!range) return toWeb(Readable.from(verify(createReadStream(dataOf(name)), info, paths)));
      const end = Math.min(range.end ?? info.bytes, info.bytes);
      if (range.start >= end) return toWeb(Readable.from([]));
      return toWeb(createReadStream(dataOf(name), { start: range.start, end: end - 1 }));
    },

    async bytes(name) {
      const info = await requireArtifact(name);
      const data = await readFile(dataOf(name)).catch((error: unknown) => {
        throw asStoreError(error);
      });
      if (createHash('sha256').update(data).digest('hex') !== info.sha256) await rejectCorrupt(paths, name);
      return data;
    },

    async withFile(name, use) {
      const info = await requireArtifact(name);
      if (info.bytes <= MAX_VERIFIED_BYTES) {
        for await (const _ of verify(createReadStream(dataOf(name)), info, paths)) {
          // Reading to the end verifies the hash.
        }
      }
      return use(dataOf(name));
    },
  };
}

/** Parses `meta.json`. Returns undefined if a power failure damaged it. */
function parseMeta(text: string): { readonly bytes: number; readonly sha256: string } | undefined {
  try {
    return JSON.parse(text) as { bytes: number; sha256: string }; // valid JSON is as it was written
  } catch {
    return undefined;
  }
}

/** Yields the bytes of an artifact. @throws StoreError `corrupt` after the last, if the hash differs. */
async function* verify(
  chunks: AsyncIterable<Uint8Array>,
  { name, sha256 }: ArtifactInfo,
  paths: FolderPaths,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) await rejectCorrupt(paths, name);
}

/** Removes an artifact that does not match its hash, so that it can be created again. @throws StoreError. */
async function rejectCorrupt({ remove }: FolderPaths, name: string): Promise<never> {
  await remove(name);
  throw new StoreError('corrupt', `artifact ${name} does not match its hash`);
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>;
}
