/** Lists the artifacts of a folder store in order, and removes staging folders of killed writers. */
import type { Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from './folder-errors.ts';

/** Yields all names below `folder` in the order of a bucket: by the bytes of the whole name. */
export async function* namesBelow(folder: string, name: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(undefinedIfMissing);
  if (!entries) return;
  if (entries.some((entry) => entry.name === 'meta.json')) {
    yield name;
    return;
  }
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'));
  for (const entry of await inOrder(folder, folders)) {
    yield* namesBelow(join(folder, entry), name === '' ? entry : `${name}/${entry}`);
  }
}

/**
 * `a-b` sorts before `a/…` but after an artifact `a`. Entries are inspected only if one name is a prefix of
 * another.
 */
async function inOrder(folder: string, entries: readonly Dirent[]): Promise<readonly string[]> {
  const names = entries.map((entry) => entry.name).sort();
  if (!names.some((name, index) => names[index + 1]?.startsWith(name))) return names;
  const keys = new Map<string, string>();
  for (const name of names) {
    const isArtifact = (await stat(join(folder, name, 'meta.json')).catch(undefinedIfMissing)) !== undefined;
    keys.set(name, isArtifact ? name : `${name}/`);
  }
  const keyOf = (name: string): string => keys.get(name) ?? name;
  return names.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Removes staging folders that were last written before `before`, in milliseconds since the epoch. */
export async function sweepStaging(
  staging: string,
  before: number,
): Promise<{ readonly removed: number; readonly bytes: number }> {
  let removed = 0;
  let bytes = 0;
  for (const entry of (await readdir(staging).catch(undefinedIfMissing)) ?? []) {
    const path = join(staging, entry);
    const folder = await stat(path).catch(undefinedIfMissing);
    const data = await stat(join(path, 'data')).catch(undefinedIfMissing);
    // A body may arrive for hours, so the time of its last byte counts.
    if (!folder || Math.max(folder.mtimeMs, data?.mtimeMs ?? 0) >= before) continue;
    await rm(path, { recursive: true, force: true });
    bytes += data?.size ?? 0;
    removed += 1;
  }
  return { removed, bytes };
}
