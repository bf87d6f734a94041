/** Checks the free space of a disk before a pull. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { WeightFile } from './catalogue.ts';
import { fileSize } from './digest.ts';
import { WeightsError } from './errors.ts';
import { partialPath } from './partial-file.ts';

/** Free space that a pull leaves for other programs. */
const RESERVED_BYTES = 64e6;

/** @throws WeightsError `disk_full` if the disk of `folder` has no space for the missing bytes of `files`. */
export async function requireFreeSpace(
  files: readonly Pick<WeightFile, 'path' | 'size'>[],
  folder: string,
  free: (folder: string) => Promise<number>,
): Promise<void> {
  let needed = 0;
  for (const { path, size } of files) {
    needed += Math.max(0, size.bytes - ((await fileSize(partialPath(join(folder, path)))) ?? 0));
  }
  const available = await free(folder);
  if (available < needed + RESERVED_BYTES) {
    throw new WeightsError(
      'disk_full',
      `The files need ${megabytes(needed + RESERVED_BYTES)}; the disk of the model folder has ${megabytes(available)} free.`,
    );
  }
}

export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1e6).toLocaleString('en')} MB`;
}
