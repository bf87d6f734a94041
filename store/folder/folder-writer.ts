/** Writes artifacts to a staging folder and publishes them by one rename. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { requireName } from '../artifact-name.ts';
import { type ArtifactBody, type ArtifactStore, type StoredArtifact, StoreError } from '../artifact-store.ts';
import { asStoreError, hasCode } from './folder-errors.ts';
import type { FolderPaths } from './folder-paths.ts';
import type { FolderReader } from './folder-reader.ts';
import { sweepStaging } from './folder-walk.ts';

/** Staging folders of killed writers are removed after this time. */
const STAGING_LIFETIME_MS = 3_600_000;

/** `now` returns the modification time of new artifacts, in milliseconds since the epoch. */
export function createFolderWriter(
  { staging, folderOf }: FolderPaths,
  { head, requireArtifact }: FolderReader,
  now: () => number,
): Pick<ArtifactStore, 'put' | 'putByContent'> {
  let swept: Promise<unknown> | undefined;

  /** Writes `body` to a staging folder, then renames that to the result of `nameOf` for its hash. */
  async function publish(
    body: ArtifactBody,
    nameOf: (sha256: string) => string,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<StoredArtifact> {
    swept ??= sweepStaging(staging, now() - STAGING_LIFETIME_MS);
    await swept;
    const folder = join(staging, randomUUID());
    try {
      await mkdir(folder, { recursive: true });
      const { bytes, sha256 } = await write(join(folder, 'data'), body, maxBytes);
      await writeFile(join(folder, 'meta.json'), JSON.stringify({ bytes, sha256 }));
      const modified = now();
      await utimes(join(folder, 'data'), modified / 1000, modified / 1000);
      const name = nameOf(sha256);
      const target = folderOf(name);
      for (;;) {
        try {
          await mkdir(join(target, '..'), { recursive: true });
          await rename(folder, target);
          return { name, bytes, sha256, modified };
        } catch (error) {
          // A remover took the empty parent for a leftover of its own.
          if (hasCode(error, 'ENOENT') && (await exists(folder))) continue;
          if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
          return await requireArtifact(name);
        }
      }
    } catch (error) {
      throw asStoreError(error);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    async put(name, body) {
      requireName(name);
      return (await head(name)) ?? (await publish(body, () => name));
    },

    putByContent(prefix, body, options) {
      return publish(body, (sha256) => `${prefix}/${sha256}`, options?.maxBytes);
    },
  };
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

/** Writes a new file. @throws StoreError `too_large` if the body is longer than `maxBytes`. */
async function write(
  path: string,
  body: ArtifactBody,
  maxBytes: number,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await open(path, 'wx');
  try {
    for await (const chunk of body instanceof Uint8Array ? [body] : body) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw new StoreError('too_large', `longer than ${maxBytes} bytes`);
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
