/** Files that say who is at work in a folder. What they hold is up to their users. */
import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** False: there is such a file already. */
export async function createExclusively(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moves the file away first: of two that found the same stale lock, only one removes it, and a new one is put back. */
export async function removeStale(file: string, expected: string): Promise<void> {
  const aside = `${file}.${process.pid}.stale`;
  try {
    await rename(file, aside);
  } catch {
    return; // the other one was quicker
  }
  if ((await readFile(aside, 'utf8')) === expected) await rm(aside);
  else await rename(aside, file);
}
