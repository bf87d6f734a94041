/**
 * A clock that nobody waits for, tasks whose steps come in a random order, and a store whose operations are
 * such steps.
 */
import { createHash } from 'node:crypto';
import {
  type ArtifactStore,
  EXPIRY_SETTLE_MS,
  type StoredArtifact,
  StoreError,
} from '../../store/artifact-store.ts';

export interface World {
  now(): number;
  /** Comes back at some time after `milliseconds`, when others may have had their turn. */
  turn(milliseconds?: number): Promise<void>;
  random(): number;
  /** Runs until the tasks have ended; `look` is called after each step. */
  run(tasks: readonly Promise<unknown>[], look: () => void): Promise<void>;
}

export function createWorld(seed: number, start: number): World {
  let state = seed;
  let now = start;
  const waiting: { readonly at: number; readonly go: () => void }[] = [];
  // mulberry32: small, and the same everywhere.
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    now: () => now,
    random,
    turn: (milliseconds = 0) =>
      new Promise((go) => {
        waiting.push({ at: now + milliseconds, go });
      }),
    async run(tasks, look) {
      let ended = false;
      const all = Promise.all(tasks).finally(() => {
        ended = true;
      });
      all.catch(() => undefined); // awaited below
      await new Promise(setImmediate);
      while (!ended) {
        waiting.sort((a, b) => a.at - b.at);
        // Mostly who is due first, at times one of the others: any process may be held up for any time.
        const next = waiting.splice(
          random() < 0.8 ? 0 : Math.floor(random() * Math.min(4, waiting.length)),
          1,
        )[0];
        if (!next) {
          // A digest is under way, outside of the world.
          await new Promise(setImmediate);
          continue;
        }
        now = Math.max(now, next.at) + Math.floor(random() * 50);
        next.go();
        await new Promise(setImmediate);
        look();
      }
      await all;
    },
  };
}

/**
 * Artifacts in memory. As in a bucket, `expire` looks in one step and removes in another, and gives up when
 * that comes too late.
 */
export function createSteppedStore({
  now,
  turn,
}: World): ArtifactStore & { readonly held: Map<string, StoredArtifact> } {
  const held = new Map<string, StoredArtifact>();
  const unused = (): never => {
    throw new Error('not used here');
  };
  return {
    held,
    async put(name, body) {
      await turn();
      const there = held.get(name);
      if (there) return there;
      const bytes = body as Uint8Array; // the tasks put nothing else
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      const info = { name, bytes: bytes.byteLength, sha256, modified: now() };
      held.set(name, info);
      return info;
    },
    async head(name) {
      await turn();
      return held.get(name);
    },
    async touch(name) {
      await turn();
      const info = held.get(name);
      if (info) held.set(name, { ...info, modified: now(), touched: true });
      return info !== undefined;
    },
    async expire(name, before) {
      await turn();
      const info = held.get(name);
      if (!info || info.modified >= before) return false;
      const until = now() + EXPIRY_SETTLE_MS;
      await turn();
      if (now() >= until) throw new StoreError('unavailable', 'too slow');
      return held.delete(name);
    },
    async delete(name) {
      await turn();
      held.delete(name);
    },
    async *list(prefix) {
      for (const name of [...held.keys()].sort()) {
        if (!name.startsWith(prefix)) continue;
        await turn();
        yield name;
      }
    },
    async *entries(prefix, after = '') {
      for (const name of [...held.keys()].sort()) {
        const info = held.get(name);
        if (!info || !name.startsWith(prefix) || name <= after) continue;
        await turn();
        yield info;
      }
    },
    sweep: async () => ({ removed: 0, bytes: 0 }),
    putByContent: unused,
    read: unused,
    bytes: unused,
    withFile: unused,
  };
}
