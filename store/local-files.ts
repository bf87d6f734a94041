/** Local copies of artifacts that are far away, for programs that read files: downloaded once, checked, and bounded in bytes. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream as NodeReadableStream } from 'node:stream/web';
import { type ArtifactStore, type BlobStore, StoreError } from './artifact-store.ts';
import { asStoreError } from './folder-errors.ts';

export interface LocalFilesOptions {
  /** Folder for this process alone. */
  readonly folder: string;
  /** Copies that nobody uses are removed, the longest unused first, until the others take no more than this. */
  readonly maxBytes: number;
}

interface Copy {
  readonly path: string;
  readonly bytes: number;
}

/** `store` with `withFile`. */
export function withLocalFiles(store: BlobStore, { folder, maxBytes }: LocalFilesOptions): ArtifactStore {
  /** In order of their last use. */
  const copies = new Map<string, Promise<Copy>>();
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
    const settled = new Map<string, Copy>();
    for (const [name, copy] of copies) {
      const found = await Promise.race([copy.catch(() => undefined), undefined]);
      if (found) settled.set(name, found);
    }
    let total = bytes;
    for (const copy of settled.values()) total += copy.bytes;
    for (const [name, copy] of settled) {
      if (total <= maxBytes) return;
      if ((users.get(name) ?? 0) > 0) continue;
      copies.delete(name);
      total -= copy.bytes;
      await rm(copy.path, { force: true });
    }
  }

  return {
    ...store,

    async withFile(name, use) {
      users.set(name, (users.get(name) ?? 0) + 1);
      try {
        const copy = copies.get(name) ?? download(name);
        copies.delete(name);
        copies.set(name, copy);
        copy.catch(() => copies.delete(name)); // the next one who asks tries again
        return await use((await copy).path);
      } finally {
        const left = (users.get(name) ?? 1) - 1;
        if (left > 0) users.set(name, left);
        else users.delete(name);
        await makeRoom(0);
      }
    },

    async delete(name) {
      await store.delete(name);
      const copy = await copies.get(name)?.catch(() => undefined);
      if (copy && !users.has(name)) {
        copies.delete(name);
        await rm(copy.path, { force: true });
      }
    },
  };
}
