/** Verifies the checksums of the files of a model folder. */
import { join } from 'node:path';
import type { WeightFile } from './catalogue.ts';
import { createHashFor, fileSize, hashFile } from './digest.ts';
import { cancelledError } from './retry.ts';

/** Whether a file has the published checksum. */
export type FileState = 'ok' | 'missing' | 'damaged';

type CheckedFile = Pick<WeightFile, 'path' | 'digest' | 'size'>;

/** Returns the state of a file. A file with a wrong exact size is not read. */
export async function checkFile(
  folder: string,
  { path, digest, size }: CheckedFile,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<FileState> {
  const target = join(folder, path);
  const bytes = await fileSize(target);
  if (bytes === undefined) return 'missing';
  if (size.exact && bytes !== size.bytes) return 'damaged';
  const hash = createHashFor(digest);
  try {
    await hashFile(target, hash, onBytes, signal);
  } catch (error) {
    if (signal.aborted) throw cancelledError(signal);
    throw error;
  }
  return hash.digest('hex') === digest.hex ? 'ok' : 'damaged';
}

/** Progress of a verification. */
export interface VerifyEvent {
  readonly path: string;
  readonly index: number;
  readonly files: number;
  /** Bytes of all files read so far, and in total. */
  readonly bytes: number;
  readonly total: number;
  /** Set in the last event of a file. */
  readonly state?: FileState;
}

/** State of each file. */
export type VerifyReport = readonly { readonly path: string; readonly state: FileState }[];

/**
 * Reads each file of `set` in `folder` and returns its state.
 *
 * @throws WeightsError `cancelled` when `signal` aborts; the error of Node if a file cannot be read.
 */
export async function verifyWeights(
  folder: string,
  { files }: { readonly files: readonly CheckedFile[] },
  signal: AbortSignal,
  onEvent: (event: VerifyEvent) => void = () => undefined,
): Promise<VerifyReport> {
  const sizes = await Promise.all(files.map(({ path }) => fileSize(join(folder, path))));
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
