/**
 * Renews artifacts when they are used. Around any store, it touches an artifact that is found after half of
 * its lifetime: the finder can rely on it for another half. A running collection may already have selected
 * the artifact for removal. Therefore an artifact that is past its lifetime, or was touched by another
 * process a moment ago, counts as found only if it still exists after `EXPIRY_SETTLE_MS`, in which that
 * collection would have removed it.
 */

import { sleep } from '../core/sleep.ts';
import {
  type ArtifactStore,
  type BlobStore,
  type DirectUpload,
  EXPIRY_SETTLE_MS,
  type StoredArtifact,
  StoreError,
} from './artifact-store.ts';
import type { Lifetimes } from './lifetimes.ts';
import { COLLECTION_LOCKS, classOf } from './names.ts';

export interface RenewalClock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

const systemClock: RenewalClock = { now: Date.now, sleep };

/**
 * A touch up to this age may have happened in the last seconds: the clocks of machines and buckets differ.
 */
const RECENT_TOUCH_MS = 15 * 60_000;
/** Number of artifacts that need no request at each use, because their next renewal time is cached. */
const MAX_CACHED = 20_000;

/** Returns a store whose artifacts stay for `lifetimes` after their last use. */
export function renewOnRead(
  store: ArtifactStore,
  lifetimes: Lifetimes,
  clock: RenewalClock = systemClock,
): ArtifactStore {
  const { use, ...blobs } = withRenewal(store, lifetimes, clock);
  return {
    ...blobs,
    async withFile(name, work) {
      await use(name);
      return store.withFile(name, work);
    },
  };
}

/** `renewOnRead` for stores without a file system. */
export function renewBlobsOnRead(store: BlobStore, lifetimes: Lifetimes): BlobStore {
  const { use: _, ...blobs } = withRenewal(store, lifetimes, systemClock);
  return blobs;
}

interface Renewer {
  /** Renews an artifact that was just found, if that is due. Undefined if it was removed in the meantime. */
  renew(found: StoredArtifact): Promise<StoredArtifact | undefined>;
  /** Whether `name` must be looked up before it is read, because its renewal may be due. */
  mayBeDue(name: string): boolean;
}

function createRenewer(store: BlobStore, lifetimes: Lifetimes, clock: RenewalClock): Renewer {
  /** When the next renewal of an existing artifact is due, by name. Other processes can only postpone it. */
  const due = new Map<string, number>();

  function remember(name: string, at: number): void {
    due.delete(name);
    due.set(name, at);
    const [oldest] = due.keys();
    if (due.size > MAX_CACHED && oldest !== undefined) due.delete(oldest);
  }

  function renewedLifetime(name: string): number | undefined {
    const known = classOf(name);
    return known !== undefined && lifetimes[known].renewed ? lifetimes[known].milliseconds : undefined;
  }

  async function isCollecting(): Promise<boolean> {
    for await (const _ of store.list(COLLECTION_LOCKS)) return true;
    return false;
  }

  return {
    async renew(found) {
      const lifetime = renewedLifetime(found.name);
      if (lifetime === undefined) return found;
      let { modified } = found;
      let mayBeRemoved = found.touched === true && clock.now() - modified < RECENT_TOUCH_MS;
      if (clock.now() - modified >= lifetime / 2) {
        if (!(await store.touch(found.name))) return undefined;
        // Read after the touch, which may have taken any time.
        const now = clock.now();
        mayBeRemoved = now - modified >= lifetime;
        modified = now;
      }
      if (mayBeRemoved && (await isCollecting())) {
        await clock.sleep(EXPIRY_SETTLE_MS);
        if ((await store.head(found.name)) === undefined) return undefined;
      }
      remember(found.name, modified + lifetime / 2);
      return { ...found, modified };
    },

    mayBeDue: (name) => renewedLifetime(name) !== undefined && (due.get(name) ?? 0) <= clock.now(),
  };
}

function withRenewal(
  store: BlobStore,
  lifetimes: Lifetimes,
  clock: RenewalClock,
): BlobStore & { readonly use: (name: string) => Promise<void> } {
  const { renew, mayBeDue } = createRenewer(store, lifetimes, clock);

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const info = await store.head(name);
    return info && (await renew(info));
  }

  /** Called before `name` is read. The read itself reports that it is missing. */
  async function use(name: string): Promise<void> {
    if (mayBeDue(name)) await head(name);
  }

  /** As `putByContent`. */
  async function finish(upload: DirectUpload, prefix: string): Promise<StoredArtifact> {
    const { direct } = store;
    if (!direct) throw new TypeError('this store has no direct uploads');
    return await renewed(await direct.finish(upload, prefix));
  }

  async function renewed(found: StoredArtifact): Promise<StoredArtifact> {
    const current = await renew(found);
    if (!current) throw new StoreError('unavailable', 'the artifact was removed while it was stored again');
    return current;
  }

  return {
    ...store,
    use,
    head,

    async put(name, body) {
      // If the name existed, the body was not read and can still be stored.
      return (await renew(await store.put(name, body))) ?? (await store.put(name, body));
    },

    async putByContent(prefix, body, options) {
      return await renewed(await store.putByContent(prefix, body, options));
    },

    async read(name, range) {
      await use(name);
      return store.read(name, range);
    },

    async bytes(name) {
      await use(name);
      return store.bytes(name);
    },

    ...(store.direct && { direct: { ...store.direct, finish } }),
  };
}
