import type { BlobStore } from '../../store/artifact-store.ts';
import { blobView, scopeOf } from '../../store/tenant-view.ts';

/** The content of a tenant in `store`. The API without keys has the tenant `default`. */
export function contentOf(store: BlobStore, tenant = 'default'): BlobStore {
  return blobView(store, scopeOf(store, tenant));
}
