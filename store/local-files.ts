/**
 * Local copies of artifacts in a remote store, for programs that read files. Each artifact is downloaded once
 * and verified. The total size of unused copies is limited.
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
  /** Folder of the copies. No other process may use it. */
  readonly folder: string;
  /**
   * Maximum total size of the copies. Above it, unused copies are removed, the least recently used first.
   * Copies in use are never removed, so the total may exceed it.
   */
  readonly maxBytes: number;
}

interface Copy {
  readonly path: string;
  readonly bytes: number;
  /** Time of the last use, in milliseconds since the epoch. */
  usedAt: number;
}

/** Copies that were not used for this long are removed, since their artifacts may have been deleted. */
const MAX_UNUSED_MS = 10 * 60_000;
const UNUSED_CHECK_INTERVAL_MS = 60_000;

/** Adds `withFile` to a store without a file system, by local copies. */
export function withLocalFiles(store: BlobStore, { folder, maxBytes }: LocalFilesOptions): ArtifactStore {
  const downloads = new Map<string, Promise<Copy>>();
  /** Finished copies by name, the least recently used first. */
  const copies = new Map<string, Copy>();
  /** Number of calls of `withFile` in progress, by name. */
  const users = new Map<string, number>();
  let downloadCount = 0;

  async function download(name: string): Promise<Copy> {
    const info = await store.head(name);
    if (!info) throw new StoreError('not_found', `no artifact ${name}`);
    await makeRoom(info.bytes);
    await mkdir(folder, { recursive: true });
    downloadCount += 1;
    const path = join(folder, `${downloadCount}-${info.sha256}`);
    try {
      // Node's typings declare the same stream as a type of their own.
      const chunks = (await store.read(name)) as NodeReadableStream<Uint8Array>;
      await pipeline(Readable.fromWeb(chunks), createWriteStream(`${path}.part`));
      await rename(`${path}.part`, path);
      return { path, bytes: info.bytes, usedAt: Date.now() };
    } catch (error) {
      await rm(`${path}.part`, { force: true });
      throw asStoreError(error);
    }
  }

  /** Removes unused copies until `bytes` more fit, or until only copies in use remain. */
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

  /** Returns the copy of `name`. Concurrent calls share one download. */
  async function copyOf(name: string): Promise<Copy> {
    const existing = copies.get(name);
    if (existing) {
      // Becomes the most recently used.
      copies.delete(name);
      copies.set(name, existing);
      existing.usedAt = Date.now();
      return existing;
    }
    const running = downloads.get(name) ?? download(name).finally(() => downloads.delete(name));
    downloads.set(name, running);
    const copy = await running;
    copies.set(name, copy);
    return copy;
  }

  async function removeUnused(): Promise<void> {
    for (const [name, copy] of [...copies]) {
      if (users.has(name) || Date.now() - copy.usedAt < MAX_UNUSED_MS) continue;
      copies.delete(name);
      await rm(copy.path, { force: true });
    }
  }
  setInterval(() => {
    removeUnused().catch(() => undefined);
  }, UNUSED_CHECK_INTERVAL_MS).unref();

  return {
    ...store,

    async withFile(name, use) {
      users.set(name, (users.get(name) ?? 0) + 1);
      try {
        return await use((await copyOf(name)).path);
      } finally {
        const remaining = (users.get(name) ?? 1) - 1;
        if (remaining > 0) users.set(name, remaining);
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
