/**
 * One garbage collection at a time. Two could do harm together: an artifact that one removed may have been
 * written again before the other, which checked it earlier, removes it. The lock is an artifact and not
 * core/file-lock.ts, because collections of several machines share only the store, which may be a bucket.
 * Readers find it there, too (renew-on-read.ts).
 */
import { hex } from '../core/canonical-json.ts';
import { type ArtifactInfo, type BlobStore, EXPIRY_SETTLE_MS, StoreError } from './artifact-store.ts';
import { COLLECTION_LOCKS } from './names.ts';

const LOCK = `${COLLECTION_LOCKS}current`;
/** The holder renews the lock this often, and then checks that it is still the holder. */
const RENEW_INTERVAL_MS = 60_000;
/** The holder of a lock that was not renewed for this long was killed. */
const ABANDONED_AFTER_MS = 10 * RENEW_INTERVAL_MS + EXPIRY_SETTLE_MS;

export interface CollectLock {
  /**
   * To be called before each removal. @throws StoreError `unavailable` if another collection has taken the
   * lock.
   */
  confirm(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the lock, also from a collection that was killed. `now` is in milliseconds since the epoch.
 *
 * @throws StoreError `unavailable` while another collection is running.
 */
export async function lockCollection(store: BlobStore, now: () => number): Promise<CollectLock> {
  const id = new TextEncoder().encode(crypto.randomUUID());
  const sha256 = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', id)));
  const isOurs = (info: ArtifactInfo | undefined): boolean => info?.sha256 === sha256;
  let current = await store.put(LOCK, id);
  if (!isOurs(current) && (await store.expire(LOCK, now() - ABANDONED_AFTER_MS))) {
    current = await store.put(LOCK, id);
  }
  if (!isOurs(current)) throw new StoreError('unavailable', 'another collection is running');
  let renewedAt = now();
  /** After such a delay, another collection may be taking the lock right now. */
  const mayBeTaken = (): boolean => now() - renewedAt > ABANDONED_AFTER_MS / 2;
  return {
    async confirm() {
      if (now() - renewedAt < RENEW_INTERVAL_MS) return;
      if (mayBeTaken() || !isOurs(await store.head(LOCK)) || !(await store.touch(LOCK))) {
        throw new StoreError('unavailable', 'another collection has taken the lock');
      }
      renewedAt = now();
    },
    async release() {
      if (!mayBeTaken() && isOurs(await store.head(LOCK))) await store.delete(LOCK);
    },
  };
}
