/**
 * One collection at a time, which says that it is under way. Two could do harm together: what one of them removed may have been
 * made again when the other, which looked before, removes it.
 */
import { type ArtifactInfo, type BlobStore, EXPIRY_SETTLES, StoreError } from './artifact-store.ts';
import { COLLECTING } from './names.ts';

const LOCK = `${COLLECTING}one`;
/** The collection renews its notice this often, in milliseconds, and looks whether it is still its own. */
const RENEWED = 60_000;
/** A notice that was not renewed for this long is that of a collection that was killed, in milliseconds. */
const ABANDONED = 10 * RENEWED + EXPIRY_SETTLES;

export interface CollectLock {
  /** Called before each removal. Throws `unavailable` where another collection has taken over. */
  hold(): Promise<void>;
  release(): Promise<void>;
}

/** Throws `unavailable` while another collection is under way. */
export async function lockCollection(store: BlobStore, now: () => number): Promise<CollectLock> {
  const id = new TextEncoder().encode(crypto.randomUUID());
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', id));
  const sha256 = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const isOurs = (info: ArtifactInfo | undefined): boolean => info?.sha256 === sha256;
  let stands = await store.put(LOCK, id);
  if (!isOurs(stands) && (await store.expire(LOCK, now() - ABANDONED))) stands = await store.put(LOCK, id);
  if (!isOurs(stands)) throw new StoreError('unavailable', 'another collection is under way');
  let renewed = now();
  /** Held up for so long that another one may be taking over right now. */
  const isLost = (): boolean => now() - renewed > ABANDONED / 2;
  return {
    async hold() {
      if (now() - renewed < RENEWED) return;
      if (isLost() || !isOurs(await store.head(LOCK)) || !(await store.touch(LOCK))) {
        throw new StoreError('unavailable', 'another collection took over');
      }
      renewed = now();
    },
    async release() {
      if (!isLost() && isOurs(await store.head(LOCK))) await store.delete(LOCK);
    },
  };
}
