/** Paths of a folder store: `<root>/<name>/` for each artifact, and a staging folder for unpublished data. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { requireName } from '../artifact-name.ts';

export interface FolderPaths {
  readonly root: string;
  /** Contains one folder for each artifact that is being written or removed. */
  readonly staging: string;
  /** The folder of an artifact. @throws StoreError `invalid_name`. */
  folderOf(name: string): string;
  /** The file with the bytes of an artifact. @throws StoreError `invalid_name`. */
  dataOf(name: string): string;
  /** Removes an artifact. A no-op if it does not exist. @throws StoreError `invalid_name`. */
  remove(name: string): Promise<void>;
}

export function createFolderPaths(root: string): FolderPaths {
  function folderOf(name: string): string {
    requireName(name);
    return join(root, ...name.split('/'));
  }

  return {
    root,
    staging: join(root, '.staging'),
    folderOf,
    dataOf: (name) => join(folderOf(name), 'data'),
    remove: async (name) => await rm(folderOf(name), { recursive: true, force: true }),
  };
}
