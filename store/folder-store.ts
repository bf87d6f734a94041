/**
 * Artifacts in a folder. Each is a folder of its own, `<root>/<name>/` with `data` and `meta.json`, made aside and moved into
 * place by one rename: it is there wholly or not at all, and of several writers the first one wins. Nothing is flushed to
 * the disk on purpose: a power cut may lose or damage what was written last, and the hash on reading finds it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { type ArtifactBody, type ArtifactInfo, type ArtifactStore, StoreError } from './artifact-store.ts';

const NAME = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)+$/;
/** What a killed writer left aside is removed after this time, in milliseconds. */
const ASIDE_LIFETIME = 3_600_000;
/** Files up to this are compared with their hash before a program gets them: pictures and features are, films are not read twice. */
const CHECKED_BYTES = 64 * 2 ** 20;

/** A store in `root`, which is made when missing. */
export function createFolderStore(root: string): ArtifactStore {
  const aside = join(root, '.aside');
  let swept: Promise<void> | undefined;

  function place(name: string): string {
    if (!NAME.test(name) || name.length > 512) {
      throw new StoreError('invalid_name', `not an artifact name: ${JSON.stringify(name.slice(0, 80))}`);
    }
    return join(root, ...name.split('/'));
  }

  async function head(name: string): Promise<ArtifactInfo | undefined> {
    const text = await readFile(join(place(name), 'meta.json'), 'utf8').catch(absent);
    if (text === undefined) return undefined;
    const { bytes, sha256 } = JSON.parse(text) as { bytes: number; sha256: string }; // written by publish below
    return { name, bytes, sha256 };
  }

  async function found(name: string): Promise<ArtifactInfo> {
    const info = await head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    return info;
  }

  /** Writes `body` aside, then moves it to the name that `nameOf` gives for its hash. */
  async function publish(
    body: ArtifactBody,
    nameOf: (sha256: string) => string,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<ArtifactInfo> {
    swept ??= sweep(aside);
    await swept;
    const folder = join(aside, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      const { bytes, sha256 } = await write(join(folder, 'data'), body, maxBytes);
      await writeFile(join(folder, 'meta.json'), JSON.stringify({ bytes, sha256 }));
      const name = nameOf(sha256);
      const target = place(name);
      await mkdir(join(target, '..'), { recursive: true });
      try {
        await rename(folder, target);
        return { name, bytes, sha256 };
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

  return {
    async put(name, body) {
      place(name);
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

    async *list(prefix, after) {
      const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      if (folder !== '' && !NAME.test(`${folder}/x`))
        throw new StoreError('invalid_name', 'not a prefix of names');
      for await (const name of walk(join(root, ...folder.split('/')), folder)) {
        if (name.startsWith(prefix) && (after === undefined || name > after)) yield name;
      }
    },

    async delete(name) {
      await rm(place(name), { recursive: true, force: true });
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

  /** All names below `folder`, in order. */
  async function* walk(folder: string, name: string): AsyncGenerator<string> {
    const entries = await readdir(folder, { withFileTypes: true }).catch(absent);
    if (!entries) return;
    if (entries.some((entry) => entry.name === 'meta.json')) {
      yield name;
      return;
    }
    const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
    folders.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of folders) {
      yield* walk(folder + sep + entry.name, name === '' ? entry.name : `${name}/${entry.name}`);
    }
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

async function sweep(aside: string): Promise<void> {
  const now = Date.now();
  for (const entry of (await readdir(aside).catch(absent)) ?? []) {
    const path = join(aside, entry);
    const info = await stat(path).catch(absent);
    if (info && now - info.mtimeMs > ASIDE_LIFETIME) await rm(path, { recursive: true, force: true });
  }
}

function toWeb(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>; // Node's own type of the same thing
}

function absent(error: unknown): undefined {
  if (isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR')) return undefined;
  throw asStoreError(error);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function asStoreError(error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error) || !('syscall' in error)) return error;
  if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT'))
    return new StoreError('full', 'the disk is full', { cause: error });
  return new StoreError('unavailable', 'the folder of the store failed', { cause: error });
}
