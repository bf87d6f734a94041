/** The two ways in which hosts of models name the content of a file. */
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

export type Digest =
  | { readonly algorithm: 'sha256'; readonly hex: string }
  /** Git's name of a file: SHA-1 over `blob SIZE`, a zero byte and the content. */
  | { readonly algorithm: 'git-blob'; readonly hex: string; readonly bytes: number };

/** An empty hash of the kind that `digest` is. */
export function startHash(digest: Digest): Hash {
  switch (digest.algorithm) {
    case 'sha256':
      return createHash('sha256');
    case 'git-blob':
      return createHash('sha1').update(`blob ${digest.bytes}\0`);
    default:
      throw new Error(`unknown digest ${String(digest satisfies never)}`);
  }
}

/** Feeds a file into `hash`, telling how many bytes each step took. Answers their sum. */
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
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    // no encoding is set
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return bytes;
}

/** Bytes of a file; undefined where there is none. */
export async function fileBytes(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() ? found.size : undefined;
}
