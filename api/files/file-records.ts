/** File records: the name, purpose and owner of bytes in the store. */
import { FrameloomError } from '../../core/errors.ts';
import { expiryOf, type File, type FilePurpose, isExpired, type StoredFile } from '../../schema/file.ts';
import { FileId } from '../../schema/ids.ts';
import { type SourceRequest, sourceFileIds } from '../../schema/request.ts';
import type { ArtifactBody, BlobStore } from '../../store/artifact-store.ts';
import { listFileIds, putFileRecord } from '../../store/file-list.ts';
import { fileName, SOURCES } from '../../store/names.ts';
import { removeFile } from '../../store/remove.ts';
import { scopeOf } from '../../store/tenant-view.ts';
import { holdingView } from '../../store/uses.ts';
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
    /** Seconds until the file expires. */
    readonly expiresAfter?: number | undefined;
  },
): Promise<File> {
  const { body, maxBytes } = file;
  const own = holdingView(store, scopeOf(store, tenant), file.id);
  const kept = await own.putByContent(SOURCES, body, maxBytes === undefined ? {} : { maxBytes });
  return await storeFileRecord(store, tenant, kept, file);
}

/** Stores the record of a file whose bytes are already in the store. @throws StoreError */
export async function storeFileRecord(
  store: BlobStore,
  tenant: string,
  { bytes, sha256 }: { readonly bytes: number; readonly sha256: string },
  { id, filename, purpose = 'source', now, expiresAfter }: Omit<Parameters<typeof storeFile>[2], 'body'>,
): Promise<File> {
  const createdAt = Math.floor(now / 1000);
  const record: File = {
    id,
    object: 'file',
    filename,
    purpose,
    bytes,
    sha256,
    created_at: createdAt,
    ...expiryOf(createdAt, expiresAfter),
    status: 'processed',
  };
  await putFileRecord(store, { ...record, tenant }, now);
  return record;
}

/** @throws FrameloomError `source_missing` if the tenant does not have one of the files of `source` */
export async function requireFiles(store: BlobStore, tenant: string, source: SourceRequest): Promise<void> {
  for (const id of new Set(sourceFileIds(source))) {
    if (!(await readFile(store, tenant, id)))
      throw new FrameloomError('source_missing', `No such file: ${id}.`);
  }
}

/** Returns a file of the tenant. @throws FrameloomError `not_found`, also for files of other tenants */
export async function findFile(
  store: BlobStore,
  tenant: string,
  id: FileId,
  now = Date.now(),
): Promise<File> {
  const file = await readFile(store, tenant, id, now);
  if (!file) throw new FrameloomError('not_found', 'No such file.');
  return file;
}

/**
 * Returns a file of the tenant that exists at `now`, in milliseconds. A file that has expired is removed when
 * it is asked for or listed.
 */
export async function readFile(
  store: BlobStore,
  tenant: string,
  id: FileId,
  now = Date.now(),
): Promise<File | undefined> {
  if (!(await store.head(fileName(id)))) return undefined;
  const { tenant: owner, ...file } = (await readJson(store, fileName(id))) as StoredFile; // by putFileRecord
  if (isExpired(file, now)) {
    await removeFile(store, id);
    return undefined;
  }
  return owner === tenant ? file : undefined;
}

/** How many records are read at the same time. */
const CONCURRENT_READS = 25;

export interface FilePage {
  readonly data: readonly File[];
  readonly hasMore: boolean;
}

/**
 * Returns a page of a tenant's files.
 *
 * @throws FrameloomError `invalid_request` if there was never a file with the id `after`
 */
export async function listFiles(
  store: BlobStore,
  tenant: string,
  page: {
    readonly purpose: FilePurpose | undefined;
    readonly after: FileId | undefined;
    readonly limit: number;
    readonly order: 'asc' | 'desc';
    readonly now: number;
  },
): Promise<FilePage> {
  const ids: FileId[] = [];
  for await (const id of listFileIds(store, tenant, page.purpose)) ids.push(FileId.parse(id));
  if (page.order === 'asc') ids.reverse();
  const start = page.after === undefined ? 0 : ids.indexOf(page.after) + 1;
  if (page.after !== undefined && start === 0)
    throw new FrameloomError('invalid_request', 'query.after: is not a file of this list.');
  const data: File[] = [];
  // One more than the page, which tells whether there is another one.
  for (let at = start; at < ids.length && data.length <= page.limit; at += CONCURRENT_READS) {
    const group = ids.slice(at, at + CONCURRENT_READS);
    const files = await Promise.all(group.map((id) => readFile(store, tenant, id, page.now)));
    data.push(...files.flatMap((file) => file ?? []));
  }
  return { data: data.slice(0, page.limit), hasMore: data.length > page.limit };
}

/** The last segment of a file name, without control and formatting characters. */
export function displayName(given: string | undefined): string {
  const last = (given ?? '').normalize('NFC').split(/[\\/]/).at(-1) ?? '';
  const shown = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '').trim();
  return [...shown].slice(0, 255).join('') || 'file';
}
