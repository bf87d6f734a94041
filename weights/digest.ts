/** The two checksums that model servers publish. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export type Digest =
  | { readonly algorithm: 'sha256'; readonly hex: string }
  /** Git's object id of a file: SHA-1 of `blob SIZE`, a zero byte and the content. */
  | { readonly algorithm: 'git-blob'; readonly hex: string; readonly bytes: number };

/** Returns a hash without input for the algorithm of `digest`. */
export function createHashFor(digest: Digest): Hash {
  switch (digest.algorithm) {
    case 'sha256':
      return createHash('sha256');
    case 'git-blob':
      return createHash('sha1').update(`blob ${digest.bytes}\0`);
    default:
      throw new Error(`unknown digest ${String(digest satisfies never)}`);
  }
}

/**
 * Updates `hash` with a file and returns the size of the file in bytes. `onBytes` is called for each chunk.
 */
export async function hashFile(
  path: string,
  hash: Hash,
  onBytes: (count: number) => void,
  signal?: AbortSignal,
): Promise<number> {
  let bytes = 0;
  const stream = createReadStream(path, {
    highWaterMark: 1 << 20,
    ...(signal === undefined ? {} : { signal }),
  });
  // Chunks are buffers, because no encoding is set.
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return bytes;
}

/** Size of a file in bytes. Undefined if there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
