/**
 * Where a worker keeps what it is downloading. Nothing in it outlives the process by much, however that ends.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAbandonedFolder, processFolderName } from '../../core/process-folders.ts';

export interface ScratchFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a folder under `root` for this process alone; disposing removes it. A process that is killed leaves
 * its own behind, so the folders of those that no longer run on this machine are removed first. Several
 * machines may share `root`.
 */
export async function createScratchFolder(root: string, now = Date.now()): Promise<ScratchFolder> {
  await mkdir(root, { recursive: true });
  const path = join(root, processFolderName(process.pid));
  for (const name of await readdir(root)) {
    if (await isAbandonedFolder(root, name, now))
      await rm(join(root, name), { recursive: true, force: true });
  }
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
