/**
 * Artifacts in a folder. Each is a folder of its own, `<root>/<name>/` with `data` and `meta.json`, made aside and moved into
 * place by one rename: it is there wholly or not at all, and of several writers the first one wins. Nothing is flushed to
 * the disk on purpose: a power cut may lose or damage what was written last, and the hash on reading finds it.
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
import { absent, asStoreError, isCode } from './folder-errors.ts';
import { namesBelow, sweepAside } from './folder-walk.ts';

/** What a killed writer left aside is removed after this time, in milliseconds. */
const ASIDE_LIFETIME = 3_600_000;
/** Files up to this are compared with their hash before a program gets them: pictures and features are, films are not read twice. */
const CHECKED_BYTES = 64 * 2 ** 20;

export interface FolderStoreOptions {
  /** Milliseconds since the epoch; the age of an artifact is counted by it. */
  readonly now?: () => number;
}

/** A store in `root`, which is made when missing. */
export function createFolderStore(root: string, { now = Date.now }: FolderStoreOptions = {}): ArtifactStore {
  const aside = join(root, '.aside');
  let swept: Promise<unknown> | undefined;

  function place(name: string): string {
    requireName(name);
    return join(root, ...name.split('/'));
  }

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const folder = place(name);
    const text = await readFile(join(folder, 'meta.json'), 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const data = await stat(join(folder, 'data')).catch(absent);
    const meta = readMeta(text);
    if (meta === undefined || !data) {
      // A power cut left part of it: what it was is made again.
      await rm(folder, { recursive: true, force: true });
      return undefined;
    }
    return { name, ...meta, modified: data.mtimeMs };
  }

  async function found(name: string): Promise<StoredArtifact> {
    const info = await head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    return info;
  }

  /** Writes `body` aside, then moves it to the name that `nameOf` gives for its hash. */
  async function publish(
    body: ArtifactBody,
    nameOf: (sha256: string) => string,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<StoredArtifact> {
    swept ??= sweepAside(aside, now() - ASIDE_LIFETIME);
    await swept;
    const folder = join(aside, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      const { bytes, sha256 } = await write(join(folder, 'data'), body, maxBytes);
      await writeFile(join(folder, 'meta.json'), JSON.stringify({ bytes, sha256 }));
      const modified = now();
      await utimes(join(folder, 'data'), modified / 1000, modified / 1000);
      const name = nameOf(sha256);
      const target = place(name);
      await mkdir(join(target, '..'), { recursive: true });
      try {
        await rename(folder, target);
        return { name, bytes, sha256, modified };
      } catch (error) {
        if (!isCode(error, 'ENOTEMPTY') && !isCode(error, 'EEXIST')) throw error;
        return await found(name);
      }
    } catch (error) {
      throw asStoreError(error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async function* entries(prefix: string, after?: string): AsyncGenerator<ArtifactEntry> {
    for await (const name of list(prefix, after)) {
      const info = await stat(join(place(name), 'data')).catch(absent);
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
      const info = await found(name);
      const path = join(place(name), 'data');
      if (range) {
        const end = Math.min(range.end ?? info.bytes, info.bytes);
        if (range.start >= end) return Readable.toWeb(Readable.from([])) as ReadableStream<Uint8Array>; // Node's own type of the same thing
        return toWeb(createReadStream(path, { start: range.start, end: end - 1 }));
      }
      return toWeb(
        Readable.from(
          checked(createReadStream(path), info, () => rm(place(name), { recursive: true, force: true })),
        ),
      );
    },

    async bytes(name) {
      const info = await found(name);
      const data = await readFile(join(place(name), 'data')).catch((error: unknown) => {
        throw asStoreError(error);
      });
      if (createHash('sha256').update(data).digest('hex') !== info.sha256) {
        await rm(place(name), { recursive: true, force: true });
        throw new StoreError('corrupt', `artifact ${name} does not match its hash`);
      }
      return data;
    },

    list,
    entries,

    async delete(name) {
      await rm(place(name), { recursive: true, force: true });
    },

    async touch(name) {
      const at = now() / 1000;
      return await utimes(join(place(name), 'data'), at, at).then(() => true, touchFailed);
    },

    async expire(name, before) {
      const target = place(name);
      const isOld = async (folder: string): Promise<boolean> => {
        const info = await stat(join(folder, 'data')).catch(absent);
        return info !== undefined && info.mtimeMs < before;
      };
      if (!(await isOld(target))) return false;
      // It is taken away first and looked at again, so that no touch comes between the look and the removal.
      const claimed = join(aside, randomUUID());
      await mkdir(aside, { recursive: true });
      const taken = await rename(target, claimed).then(() => true, touchFailed);
      if (!taken) return false;
      const removed = await isOld(claimed);
      if (!removed) await rename(claimed, target).catch(() => undefined); // somebody made it again
      await rm(claimed, { recursive: true, force: true });
      return removed;
    },

    sweep(before) {
      return sweepAside(aside, before);
    },

    async withFile(name, use) {
      const info = await found(name);
      const path = join(place(name), 'data');
      if (info.bytes <= CHECKED_BYTES) await check(path, info);
      return use(path);
    },
  };

  /** Reads it for its hash alone. */
  async function check(path: string, info: ArtifactInfo): Promise<void> {
    const discard = (): Promise<void> => rm(place(info.name), { recursive: true, force: true });
    for await (const _ of checked(createReadStream(path), info, discard)) {
      // the hash is taken on the way
    }
  }
}

/** What `publish` wrote; undefined where the disk has lost some of it. */
function readMeta(text: string): { readonly bytes: number; readonly sha256: string } | undefined {
  try {
    return JSON.parse(text) as { bytes: number; sha256: string }; // whole JSON is what was written
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

async function* checked(
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

function touchFailed(error: unknown): boolean {
  absent(error);
  return false;
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>; // Node's own type of the same thing
}
