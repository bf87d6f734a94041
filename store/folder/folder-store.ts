/**
 * Artifacts in a folder. Each artifact is a folder `<root>/<name>/` with `data` and `meta.json`. It is
 * written to a staging folder and published by one rename, hence readers see all or nothing, and the first
 * writer wins. Files are not flushed: a power failure may lose or damage recent artifacts, which the hash
 * detects when they are read.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../artifact-store.ts';
import { undefinedIfMissing } from './folder-errors.ts';
import { createFolderPaths, type FolderPaths } from './folder-paths.ts';
import { createFolderReader } from './folder-reader.ts';
import { sweepStaging } from './folder-walk.ts';
import { createFolderWriter } from './folder-writer.ts';

export interface FolderStoreOptions {
  /** Returns the modification time of new artifacts, in milliseconds since the epoch. Default: Date.now. */
  readonly now?: () => number;
}

/** Creates a store in the folder `root`, which is created by the first write. */
export function createFolderStore(root: string, { now = Date.now }: FolderStoreOptions = {}): ArtifactStore {
  const paths = createFolderPaths(root);
  const { requireArtifact, ...reads } = createFolderReader(paths);
  return {
    ...reads,
    ...createFolderWriter(paths, { ...reads, requireArtifact }, now),
    delete: paths.remove,

    async touch(name) {
      const at = now() / 1000;
      return await utimes(paths.dataOf(name), at, at).then(() => true, falseIfMissing);
    },

    expire: (name, before) => expire(paths, name, before),
    sweep: (before) => sweepStaging(paths.staging, before),
  };
}

/** As `expire` of a store. */
async function expire(
  { staging, folderOf, removeEmptyParents }: FolderPaths,
  name: string,
  before: number,
): Promise<boolean> {
  const target = folderOf(name);
  if (!(await isOlder(target, before))) return false;
  // It is renamed first and checked again, so that no touch can happen between the check and the removal.
  const claimed = join(staging, randomUUID());
  await mkdir(staging, { recursive: true });
  const taken = await rename(target, claimed).then(() => true, falseIfMissing);
  if (!taken) return false;
  const removed = await isOlder(claimed, before);
  if (!removed) await rename(claimed, target).catch(() => undefined); // it was created again
  await rm(claimed, { recursive: true, force: true });
  if (removed) await removeEmptyParents(target);
  return removed;
}

/** Whether the artifact in `folder` exists and was last written or touched before `before`. */
async function isOlder(folder: string, before: number): Promise<boolean> {
  const info = await stat(join(folder, 'data')).catch(undefinedIfMissing);
  return info !== undefined && info.mtimeMs < before;
}

function falseIfMissing(error: unknown): boolean {
  undefinedIfMissing(error);
  return false;
}
