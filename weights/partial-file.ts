/** An unfinished download, `NAME.part`, with the hash of its bytes. */
import type { Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createHashFor, type Digest, hashFile } from './digest.ts';

export interface PartialFile extends AsyncDisposable {
  /** Number of bytes on disk. */
  readonly bytes: number;
  append(chunk: Buffer): Promise<void>;
  /** Discards all bytes. */
  restart(): Promise<void>;
  /** Whether the checksum is that of the whole file. */
  matches(): boolean;
  /** Flushes the file to disk and renames it to `target`. */
  finish(): Promise<void>;
}

export const partialPath = (target: string): string => `${target}.part`;

/**
 * Opens the unfinished download of `target`, or creates it. `onBytes` reports changes of the number of bytes:
 * positive for bytes that are read back (`checking`) or received, negative for discarded bytes (`fetching`).
 */
export async function openPartialFile(
  target: string,
  digest: Digest,
  onBytes: (change: number, how: 'checking' | 'fetching') => void,
  signal: AbortSignal,
): Promise<PartialFile> {
  const path = partialPath(target);
  await mkdir(dirname(path), { recursive: true });
  const file = await openOrCreate(path);
  let hash: Hash = createHashFor(digest);
  let bytes: number;
  try {
    bytes = await hashFile(path, hash, (count) => onBytes(count, 'checking'), signal);
  } catch (error) {
    await file.close();
    throw error;
  }
  return {
    get bytes() {
      return bytes;
    },
    async append(chunk) {
      let written = 0;
      while (written < chunk.length) {
        const step = await file.write(chunk, written, chunk.length - written, bytes + written);
        written += step.bytesWritten;
      }
      hash.update(chunk);
      bytes += chunk.length;
      onBytes(chunk.length, 'fetching');
    },
    async restart() {
      await file.truncate(0);
      onBytes(-bytes, 'fetching');
      bytes = 0;
      hash = createHashFor(digest);
    },
    matches: () => hash.copy().digest('hex') === digest.hex,
    async finish() {
      await file.sync();
      await rename(path, target);
    },
    async [Symbol.asyncDispose]() {
      await file.close();
    },
  };
}

/** Replaces anything that is not a file at this path, such as a folder. */
async function openOrCreate(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && ['ENOENT', 'EISDIR'].includes(String(error.code)))) {
      throw error;
    }
    await rm(path, { recursive: true, force: true });
    return open(path, 'wx+');
  }
}
