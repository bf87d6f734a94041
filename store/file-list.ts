/** The records of files, and the list of the files of each tenant. */
import { digest } from '../core/canonical-json.ts';
import type { BlobStore } from './artifact-store.ts';
import { fileEntryName, fileEntryPrefix, fileName } from './names.ts';

interface FileRecord {
  readonly id: string;
  readonly tenant: string;
  readonly purpose: string;
}

/** Stores the record of a file that was created at `createdMs`, in milliseconds. @throws StoreError */
export async function putFileRecord(store: BlobStore, record: FileRecord, createdMs: number): Promise<void> {
  const entry = fileEntryName(await tenantDigest(record.tenant), createdMs, record.purpose, record.id);
  // The entry goes first: one without a record is skipped, and a file without an entry would not be listed.
  await store.put(entry, new Uint8Array());
  await store.put(fileName(record.id), new TextEncoder().encode(JSON.stringify(record)));
}

/**
 * Yields the ids of a tenant's files, newest first, of one purpose or of all. Deleted files are included:
 * their entries stay, so that a page can start after one of them. @throws StoreError
 */
export async function* listFileIds(
  store: BlobStore,
  tenant: string,
  purpose: string | undefined,
): AsyncGenerator<string> {
  for await (const name of store.list(fileEntryPrefix(await tenantDigest(tenant)))) {
    const [, of, id] = /-([a-z_]+)-(file_[a-z2-7]+)$/.exec(name) ?? [];
    if (id !== undefined && (purpose === undefined || of === purpose)) yield id;
  }
}

/** Names of artifacts have no capital letters, which names of tenants may have. */
async function tenantDigest(tenant: string): Promise<string> {
  return (await digest(['files of', tenant])).slice(0, 32);
}
