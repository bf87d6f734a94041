/** Puts a finished program into the cache, never a partial one. */
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Calls `make(folder)` with an empty folder in the cache and moves the program whose path it returns to `cached`.
 * Returns whether there was one.
 */
export async function installAtomically({ cache, cached }, make) {
  mkdirSync(join(cache, 'bin'), { recursive: true });
  const folder = mkdtempSync(join(cache, 'installing-'));
  try {
    const program = await make(folder);
    if (program === undefined) return false;
    chmodSync(program, 0o755);
    renameSync(program, cached);
    return true;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
