/** Walks the tree of a folder store: names in order, and what killed writers left. */
import type { Dirent } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { absent } from './folder-errors.ts';

/** All names below `folder`, in the order a bucket lists them: that of the bytes of the whole name. */
export async function* namesBelow(folder: string, name: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(absent);
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

/** `a-b` stands before `a/…`, but after an artifact `a`: only where one name begins another is a look inside needed. */
async function inOrder(folder: string, entries: readonly Dirent[]): Promise<readonly string[]> {
  const names = entries.map((entry) => entry.name).sort();
  if (!names.some((name, index) => names[index + 1]?.startsWith(name))) return names;
  const keys = new Map<string, string>();
  for (const name of names) {
    const isArtifact = (await stat(join(folder, name, 'meta.json')).catch(absent)) !== undefined;
    keys.set(name, isArtifact ? name : `${name}/`);
  }
  const keyOf = (name: string): string => keys.get(name) ?? name;
  return names.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Removes what was left aside before `before`. */
export async function sweepAside(
  aside: string,
  before: number,
): Promise<{ readonly removed: number; readonly bytes: number }> {
  let removed = 0;
  let bytes = 0;
  for (const entry of (await readdir(aside).catch(absent)) ?? []) {
    const path = join(aside, entry);
    const folder = await stat(path).catch(absent);
    const data = await stat(join(path, 'data')).catch(absent);
    // A body may take hours to arrive: what counts is when its last byte did.
    if (!folder || Math.max(folder.mtimeMs, data?.mtimeMs ?? 0) >= before) continue;
    await rm(path, { recursive: true, force: true });
    bytes += data?.size ?? 0;
    removed += 1;
  }
  return { removed, bytes };
}
