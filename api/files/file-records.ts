/** File records: the name, purpose and owner of bytes in the store. */
import { FrameloomError } from '../../core/errors.ts';
import type { File, FilePurpose, StoredFile } from '../../schema/file.ts';
import type { FileId } from '../../schema/ids.ts';
import type { SourceRequest } from '../../schema/request.ts';
import type { ArtifactBody, BlobStore } from '../../store/artifact-store.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import { readJson } from '../jobs/index.ts';

/** Stores the bytes and the record of a file. @throws StoreError */
export async function storeFile(
  store: BlobStore,
  tenant: string,
  file: {
    readonly id: FileId;
    readonly filename: string;
    readonly body: ArtifactBody;
    readonly purpose?: FilePurpose;
    /** Milliseconds since 1970. */
    readonly now: number;
    readonly maxBytes?: number;
  },
): Promise<File> {
  const { body, maxBytes } = file;
  const kept = await store.putByContent(SOURCES, body, maxBytes === undefined ? {} : { maxBytes });
  return await storeFileRecord(store, tenant, kept, file);
}

/** Stores the record of a file whose bytes are already in the store. @throws StoreError */
export async function storeFileRecord(
  store: BlobStore,
  tenant: string,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  { id, filename, purpose = 'source', now }: Omit<Parameters<typeof storeFile>[2], 'body'>,
): Promise<File> {
  const record: File = {
    id,
    object: 'file',
    filename,
    purpose,
    bytes,
    sha256,
    created_at: new Date(now).toISOString(),
  };
  const stored: StoredFile = { ...record, tenant };
  await store.put(fileName(id), new TextEncoder().encode(JSON.stringify(stored)));
  return record;
}

/** @throws FrameloomError `source_missing` if the tenant does not have one of the files of `source` */
export async function requireFiles(store: BlobStore, tenant: string, source: SourceRequest): Promise<void> {
  for (const id of new Set(fileIdsOf(source))) {
    if (!(await readFile(store, tenant, id)))
      throw new FrameloomError('source_missing', `No such file: ${id}.`);
  }
}

/** All files of a source, including subtitles and deck. */
function fileIdsOf(source: SourceRequest): readonly FileId[] {
  if (source.type === 'images') return source.file_ids ?? [];
  const parts = source.type === 'video' ? [source, source.subtitles, source.deck] : [source];
  return parts.flatMap((part) => part?.file_id ?? []);
}

/** Returns a file of the tenant. @throws FrameloomError `not_found`, also for files of other tenants */
export async function findFile(store: BlobStore, tenant: string, id: FileId): Promise<File> {
  const file = await readFile(store, tenant, id);
  if (!file) throw new FrameloomError('not_found', 'No such file.');
  return file;
}

export async function readFile(store: BlobStore, tenant: string, id: FileId): Promise<File | undefined> {
  if (!(await store.head(fileName(id)))) return undefined;
  // Written by storeFileRecord. Early records have no purpose.
  const { tenant: owner, ...file } = (await readJson(store, fileName(id))) as Omit<StoredFile, 'purpose'> &
    Partial<Pick<StoredFile, 'purpose'>>;
  return owner === tenant ? { purpose: 'source', ...file } : undefined;
}

/** The last segment of a file name, without control and formatting characters. */
export function displayName(given: string | undefined): string {
  const last = (given ?? '').normalize('NFC').split(/[\\/]/).at(-1) ?? '';
  const shown = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '').trim();
  return [...shown].slice(0, 255).join('') || 'file';
}
