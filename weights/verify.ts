/** Compares files of a model folder with what they have to be. */
import { join } from 'node:path';
import type { WeightFile, WeightSet } from './catalogue.ts';
import { fileBytes, hashFile, startHash } from './digest.ts';
import { cancelledError } from './retry.ts';

export type FileState = 'ok' | 'missing' | 'damaged';

/** Whether a file is there and right. A wrong size is found without reading it. */
export async function checkFile(
  folder: string,
  { path, digest, size }: WeightFile,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<FileState> {
  const target = join(folder, path);
  const bytes = await fileBytes(target);
  if (bytes === undefined) return 'missing';
  if (size.exact && bytes !== size.bytes) return 'damaged';
  const hash = startHash(digest);
  try {
    await hashFile(target, hash, onBytes, signal);
  } catch (error) {
    if (signal.aborted) throw cancelledError(signal);
    throw error;
  }
  return hash.digest('hex') === digest.hex ? 'ok' : 'damaged';
}

export interface VerifyEvent {
  readonly path: string;
  readonly index: number;
  readonly files: number;
  /** Bytes read so far, and those to read. */
  readonly bytes: number;
  readonly total: number;
  /** Once the file is read. */
  readonly state?: FileState;
}

export type VerifyReport = readonly { readonly path: string; readonly state: FileState }[];

/** Reads every file of the set. Throws only when it is stopped, or when a file cannot be read. */
export async function verifyWeights(
  folder: string,
  { files }: WeightSet,
  signal: AbortSignal,
  onEvent: (event: VerifyEvent) => void = () => undefined,
): Promise<VerifyReport> {
  const sizes = await Promise.all(files.map(({ path }) => fileBytes(join(folder, path))));
  const total = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  const report: { path: string; state: FileState }[] = [];
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    const event = { path: file.path, index, files: files.length, total };
    onEvent({ ...event, bytes });
    const state = await checkFile(
      folder,
      file,
      (count) => {
        bytes += count;
        onEvent({ ...event, bytes });
      },
      signal,
    );
    report.push({ path: file.path, state });
    onEvent({ ...event, bytes, state });
  }
  return report;
}
