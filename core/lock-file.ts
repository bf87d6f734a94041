/** Files that say who is at work in a folder. What they hold is up to their users. */
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Removing takes a few calls of the file system; who has not done after this time, in milliseconds, was killed at it. */
const REMOVAL_MS = 10_000;
const PAUSE_MS = 20;

/** False: there is such a file already. Nobody ever sees a part of `text`, where the file system has hard links. */
export async function createExclusively(file: string, text: string): Promise<boolean> {
  const whole = `${file}.${crypto.randomUUID()}`;
  try {
    await writeFile(whole, text);
    return await creates(() => link(whole, file)).catch((error: unknown) => {
      if (/^(EPERM|ENOSYS|ENOTSUP|EOPNOTSUPP)$/.test(codeOf(error))) return createInPlace(file, text);
      throw error;
    });
  } finally {
    await rm(whole, { force: true });
  }
}

/**
 * Removes the file if it still holds `expected`. Of many who found the same stale lock one removes at a time, so that none takes away
 * what another has made meanwhile.
 */
export async function removeStale(file: string, expected: string): Promise<void> {
  const guard = `${file}.removing`;
  if (!(await createInPlace(guard, ''))) {
    const { mtimeMs = Date.now() } = (await stat(guard).catch(() => undefined)) ?? {};
    if (Date.now() - mtimeMs > REMOVAL_MS) await rm(guard, { force: true });
    else await sleep(PAUSE_MS);
    return;
  }
  try {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === expected) await rm(file, { force: true });
  } finally {
    await rm(guard, { force: true });
  }
}

function createInPlace(file: string, text: string): Promise<boolean> {
  return creates(() => writeFile(file, text, { flag: 'wx' }));
}

async function creates(make: () => Promise<void>): Promise<boolean> {
  try {
    await make();
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
