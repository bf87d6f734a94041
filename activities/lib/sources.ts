/** The bytes of a source: uploaded, or downloaded now. They are an artifact that is named by its hash. */
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FrameloomError } from '../../core/errors.ts';
import { download } from '../../media/index.ts';
import type { File } from '../../schema/file.ts';
import type { FileId } from '../../schema/ids.ts';
import type { ArtifactInfo, ArtifactStore } from '../../store/artifact-store.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import { findJson } from './artifacts.ts';

export interface SourceDeps {
  readonly store: ArtifactStore;
  readonly limits: { readonly maxBytes: number; readonly allowPrivate: boolean };
  /** Folder for downloads in progress. */
  readonly scratch: string;
}

/** A file or a URL. Exactly one is set. */
export interface SourceRef {
  readonly file_id?: FileId | undefined;
  readonly url?: string | undefined;
}

/**
 * Returns the artifact of a source. Throws `source_missing`, `source_forbidden`, `source_unreachable`,
 * `media_too_large`.
 */
export async function findSource(
  deps: SourceDeps,
  ref: SourceRef,
  signal: AbortSignal,
): Promise<ArtifactInfo> {
  return ref.file_id === undefined ? fetched(deps, ref.url ?? '', signal) : uploaded(deps.store, ref.file_id);
}

async function uploaded(store: ArtifactStore, id: FileId): Promise<ArtifactInfo> {
  const file = await findJson<File>(store, fileName(id));
  const artifact = file && (await store.head(`${SOURCES}/${file.sha256}`));
  if (!artifact) throw new FrameloomError('source_missing', `No such file: ${id}.`);
  return artifact;
}

async function fetched(
  { store, limits, scratch }: SourceDeps,
  url: string,
  signal: AbortSignal,
): Promise<ArtifactInfo> {
  await mkdir(scratch, { recursive: true }); // it may have been removed while the worker was idle
  const folder = await mkdtemp(join(scratch, 'download-'));
  try {
    const path = join(folder, 'source');
    await download(url, path, { maxBytes: limits.maxBytes, allowPrivate: limits.allowPrivate, signal });
    return await store.putByContent(SOURCES, createReadStream(path), { maxBytes: limits.maxBytes });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
