/** Paths of a folder store: `<root>/<name>/` for each artifact, and a staging folder for unpublished data. */
import { rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { requireName } from '../artifact-name.ts';

export interface FolderPaths {
  readonly root: string;
  /** Contains one folder for each artifact that is being written or removed. */
  readonly staging: string;
  /** The folder of an artifact. @throws StoreError `invalid_name`. */
  folderOf(name: string): string;
  /** The file with the bytes of an artifact. @throws StoreError `invalid_name`. */
  dataOf(name: string): string;
  /**
   * Removes the empty folders around a removed one, which would keep its name. A writer that misses one creates
   * it again.
   */
  removeEmptyParents(folder: string): Promise<void>;
  /** Removes an artifact. A no-op if it does not exist. @throws StoreError `invalid_name`. */
  remove(name: string): Promise<void>;
}

export function createFolderPaths(root: string): FolderPaths {
  function folderOf(name: string): string {
    requireName(name);
    return join(root, ...name.split('/'));
  }

  async function removeEmptyParents(folder: string): Promise<void> {
    for (let parent = dirname(folder); parent !== root; parent = dirname(parent)) {
      const isRemoved = await rmdir(parent).then(
        () => true,
        () => false,
      );
      if (!isRemoved) return;
    }
  }

  return {
    root,
    staging: join(root, '.staging'),
    folderOf,
    removeEmptyParents,
    dataOf: (name) => join(folderOf(name), 'data'),
    async remove(name) {
      const folder = folderOf(name);
      await rm(folder, { recursive: true, force: true });
      await removeEmptyParents(folder);
    },
  };
}
