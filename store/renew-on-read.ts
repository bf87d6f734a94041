/**
 * Keeps what is used. Around any store, it renews an artifact that is found after half of its lifetime, so that whoever found
 * it can rely on it for as long again. What it finds is never removed by a collection that had already chosen it: an artifact
 * past its lifetime is touched first, and while a collection is under way it counts as found only if it is still there
 * after the time in which that collection would have removed it. So does one that somebody else has touched just now.
 */
import {
  type ArtifactStore,
  type BlobStore,
  type DirectUpload,
  EXPIRY_SETTLES,
  type StoredArtifact,
  StoreError,
} from './artifact-store.ts';
import type { Lifetimes } from './lifetimes.ts';
import { COLLECTING, classOf } from './names.ts';

export interface KeepingClock {
  /** Milliseconds since the epoch. */
  now(): number;
  sleep(milliseconds: number): Promise<void>;
}

const systemClock: KeepingClock = {
  now: Date.now,
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};

/** Age up to which a touch is taken for one of the last seconds, in milliseconds: the clocks of machines and buckets differ. */
const JUST_NOW = 15 * 60_000;
/** Most artifacts of which a process remembers that they need no renewal yet, so as not to ask at every use. */
const REMEMBERED = 20_000;

/** `store`, whose artifacts stay for `lifetimes` after their last use. */
export function keepUsed(
  store: ArtifactStore,
  lifetimes: Lifetimes,
  clock: KeepingClock = systemClock,
): ArtifactStore {
  const { use, ...blobs } = keeping(store, lifetimes, clock);
  return {
    ...blobs,
    async withFile(name, work) {
      await use(name);
      return store.withFile(name, work);
    },
  };
}

/** The same where there is no file system. */
export function keepUsedBlobs(store: BlobStore, lifetimes: Lifetimes): BlobStore {
  const { use: _, ...blobs } = keeping(store, lifetimes, systemClock);
  return blobs;
}

function keeping(
  store: BlobStore,
  lifetimes: Lifetimes,
  clock: KeepingClock,
): BlobStore & { readonly use: (name: string) => Promise<void> } {
  /** When an artifact that is known to be there has to be renewed. It can only become younger than that. */
  const due = new Map<string, number>();

  /** What is found under `info` after it was renewed where that was due; undefined where it went meanwhile. */
  async function renew(info: StoredArtifact): Promise<StoredArtifact | undefined> {
    const lifetime = renewedLifetime(info.name);
    if (lifetime === undefined) return info;
    let { modified } = info;
    let isDoubtful = info.touched === true && clock.now() - modified < JUST_NOW;
    if (clock.now() - modified >= lifetime / 2) {
      if (!(await store.touch(info.name))) return undefined;
      // Asked now and not before the touch, which may have taken any time.
      const now = clock.now();
      isDoubtful = now - modified >= lifetime;
      modified = now;
    }
    if (isDoubtful && (await isCollecting())) {
      await clock.sleep(EXPIRY_SETTLES);
      if ((await store.head(info.name)) === undefined) return undefined;
    }
    remember(info.name, modified + lifetime / 2);
    return { ...info, modified };
  }

  function renewedLifetime(name: string): number | undefined {
    const known = classOf(name);
    return known !== undefined && lifetimes[known].renewed ? lifetimes[known].milliseconds : undefined;
  }

  function remember(name: string, at: number): void {
    due.delete(name);
    due.set(name, at);
    const [oldest] = due.keys();
    if (due.size > REMEMBERED && oldest !== undefined) due.delete(oldest);
  }

  async function isCollecting(): Promise<boolean> {
    for await (const _ of store.list(COLLECTING)) return true;
    return false;
  }

  async function head(name: string): Promise<StoredArtifact | undefined> {
    const info = await store.head(name);
    return info && (await renew(info));
  }

  /** Before `name` is read. That it is missing shows on reading. */
  async function use(name: string): Promise<void> {
    if (renewedLifetime(name) !== undefined && (due.get(name) ?? 0) <= clock.now()) await head(name);
  }

  /** As `putByContent`. */
  async function finish(upload: DirectUpload, prefix: string): Promise<StoredArtifact> {
    const { direct } = store;
    if (!direct) throw new TypeError('this store has no direct uploads');
    return await renewed(await direct.finish(upload, prefix));
  }

  async function renewed(found: StoredArtifact): Promise<StoredArtifact> {
    const kept = await renew(found);
    if (!kept) throw new StoreError('unavailable', 'the artifact was removed while it was stored again');
    return kept;
  }

  return {
    ...store,
    use,
    head,

    async put(name, body) {
      // What was found under the name left a stream unread, so that it can still be stored.
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
