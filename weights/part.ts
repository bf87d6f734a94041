/** A file that is on its way: `NAME.part`, with the hash of what is in it. */
import type { Hash } from 'node:crypto';
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Digest, hashFile, startHash } from './digest.ts';

export interface Part extends AsyncDisposable {
  /** How much is there. */
  readonly bytes: number;
  append(chunk: Buffer): Promise<void>;
  /** Throws away what is there. */
  restart(): Promise<void>;
  matches(): boolean;
  /** Gives the file its name, once it is surely on disk. */
  finish(): Promise<void>;
}

export const partOf = (target: string): string => `${target}.part`;

/**
 * Opens the part of `target`, left by an earlier run or empty. `onBytes` tells how the number of known bytes changes: up for
 * what is read back (`checking`) and for what arrives, down for what is thrown away (`fetching`).
 */
export async function openPart(
  target: string,
  digest: Digest,
  onBytes: (change: number, how: 'checking' | 'fetching') => void,
  signal: AbortSignal,
): Promise<Part> {
  const path = partOf(target);
  await mkdir(dirname(path), { recursive: true });
  const file = await openOrMake(path);
  let hash: Hash = startHash(digest);
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
      hash = startHash(digest);
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

/** Something else under the part's name, such as a folder, is in the way and goes. */
async function openOrMake(path: string): Promise<FileHandle> {
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
