/** The texts of batches and schedules: metadata, and errors of lines. Temporal has none of them. */
import { BATCH_TEXTS_VERSION, type BatchMemo, type BatchTexts } from '../../schema/batch.ts';
import { requireVersion } from '../../schema/versioned.ts';
import type { BlobStore } from '../../store/artifact-store.ts';
import { readJson } from '../jobs/index.ts';

/**
 * Returns the texts of a batch or schedule whose artifact is `name`. Without the artifact, they are empty: it
 * has expired.
 *
 * @throws StoreError
 * @throws FrameloomError `unavailable` if another version wrote the artifact
 */
export async function readBatchTexts(
  store: BlobStore,
  name: string,
  memo: Pick<BatchMemo, 'hasTexts' | 'metadata' | 'errors'>,
): Promise<Omit<BatchTexts, 'version'>> {
  if (memo.hasTexts && (await store.head(name)) !== undefined)
    return requireVersion<BatchTexts>(await readJson(store, name), BATCH_TEXTS_VERSION, name);
  // Memos of earlier versions have the texts themselves.
  return { metadata: memo.metadata ?? null, errors: memo.errors ?? [] };
}
