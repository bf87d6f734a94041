/**
 * Local copies of artifacts that are far away, for programs that read files: downloaded once, checked, and
 * bounded in bytes.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { type ArtifactStore, type BlobStore, StoreError } from './artifact-store.ts';
import { asStoreError } from './folder/index.ts';

export interface LocalFilesOptions {
  /** Folder for this process alone. */
  readonly folder: string;
  /**
   * Copies that nobody uses are removed, the longest unused first, until the others take no more than this.
   */
  readonly maxBytes: number;
}

interface Copy {
  readonly path: string;
  readonly bytes: number;
}

/** `store` with `withFile`. */
export function withLocalFiles(store: BlobStore, { folder, maxBytes }: LocalFilesOptions): ArtifactStore {
  const downloads = new Map<string, Promise<Copy>>();
  /** What is there, in order of its last use. */
  const copies = new Map<string, Copy>();
  const users = new Map<string, number>();
  let made = 0;

  async function download(name: string): Promise<Copy> {
    const info = await store.head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    await makeRoom(info.bytes);
    await mkdir(folder, { recursive: true });
    made += 1;
    const path = join(folder, `${made}-${info.sha256}`);
    try {
      const chunks = (await store.read(name)) as NodeReadableStream<Uint8Array>; // Node's own type of the same thing
      await pipeline(Readable.fromWeb(chunks), createWriteStream(`${path}.part`));
      await rename(`${path}.part`, path);
      return { path, bytes: info.bytes };
    } catch (error) {
      await rm(`${path}.part`, { force: true });
      throw asStoreError(error);
    }
  }

  /** Removes unused copies until `bytes` more fit, or none is left that is unused. */
  async function makeRoom(bytes: number): Promise<void> {
    let total = bytes;
    for (const copy of copies.values()) total += copy.bytes;
    for (const [name, copy] of [...copies]) {
      if (total <= maxBytes) return;
      if (users.has(name)) continue;
      copies.delete(name);
      total -= copy.bytes;
      await rm(copy.path, { force: true });
    }
  }

  /** The copy of `name`; several that ask at once wait for one download. */
  async function copyOf(name: string): Promise<Copy> {
    const there = copies.get(name);
    if (there) {
      copies.delete(name);
      copies.set(name, there);
      return there;
    }
    const running = downloads.get(name) ?? download(name).finally(() => downloads.delete(name));
    downloads.set(name, running);
    const copy = await running;
    copies.set(name, copy);
    return copy;
  }

  return {
    ...store,

    async withFile(name, use) {
      users.set(name, (users.get(name) ?? 0) + 1);
      try {
        return await use((await copyOf(name)).path);
      } finally {
        const left = (users.get(name) ?? 1) - 1;
        if (left > 0) users.set(name, left);
        else users.delete(name);
        await makeRoom(0);
      }
    },

    async delete(name) {
      await store.delete(name);
      const copy = copies.get(name);
      if (!copy || users.has(name)) return;
      copies.delete(name);
      await rm(copy.path, { force: true });
    },
  };
}
