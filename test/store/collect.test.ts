import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ArtifactStore, StoreError } from '../../store/artifact-store.ts';
import { type CollectProgress, collectGarbage, type LiveJobs } from '../../store/collect.ts';
import { createFolderStore } from '../../store/folder/index.ts';
import { DAY_MS, DEFAULT_LIFETIMES, parseLifetimes } from '../../store/lifetimes.ts';
import { renewOnRead } from '../../store/renew-on-read.ts';
import { all, text } from './contract.ts';
import { createSteppedStore, createWorld } from './scheduled-world.ts';

const START = Date.UTC(2030, 0, 1);
type Live = Omit<LiveJobs, 'asOf'>;
const IDLE: Live = { oldestStart: undefined, retention: DAY_MS };

let root: string;
let now: number;
let store: ArtifactStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-collect-'));
  now = START;
  store = createFolderStore(root, { now: () => now });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const clock = { now: (): number => now, sleep: async (): Promise<void> => undefined };
const kept = (): ArtifactStore => renewOnRead(store, DEFAULT_LIFETIMES, clock);
const collect = (live: Live = IDLE, more = {}) =>
  collectGarbage({
    store,
    lifetimes: DEFAULT_LIFETIMES,
    live: { asOf: now, ...live },
    now: () => now,
    ...more,
  });

describe('garbage collection', () => {
  it('removes and counts artifacts whose lifetime has ended', async () => {
    await store.put('crops/a.bin', text('12345'));
    await store.put('generations/a.json', text('123'));
    now = START + 8 * DAY_MS; // 7 for crops, 90 for generations
    const report = await collect();
    expect(report.crops).toEqual({ removed: 1, removedBytes: 5, kept: 0, keptBytes: 0 });
    expect(report.generations).toEqual({ removed: 0, removedBytes: 0, kept: 1, keptBytes: 3 });
    expect(await all(store.list(''))).toEqual(['generations/a.json']);
  });

  it('removes nothing in a dry run and counts the same', async () => {
    await store.put('crops/a.bin', text('12345'));
    now = START + 8 * DAY_MS;
    const report = await collect(IDLE, { dryRun: true });
    expect(report.crops).toEqual({ removed: 1, removedBytes: 5, kept: 0, keptBytes: 0 });
    expect(await all(store.list(''))).toEqual(['crops/a.bin']);
  });

  it('counts the lifetime of shared artifacts from their last use', async () => {
    await store.put('crops/a.bin', text('x'));
    await store.put('crops/b.bin', text('x'));
    now = START + 6 * DAY_MS;
    await kept().bytes('crops/a.bin');
    now = START + 12 * DAY_MS;
    await collect();
    expect(await all(store.list(''))).toEqual(['crops/a.bin']);
  });

  it('counts the lifetime of a job from its end, and removes all of it together', async () => {
    await store.put('jobs/sum_1/run/events/00000001.json', text('[]'));
    now = START + 20 * DAY_MS;
    await store.put('jobs/sum_1/run/result.json', text('{}'));
    await kept().bytes('jobs/sum_1/run/result.json');
    now = START + 45 * DAY_MS; // the events are past 30 days, the result is not
    await collect();
    expect(await all(store.list('jobs/'))).toHaveLength(2);
    now = START + 51 * DAY_MS;
    await collect();
    expect(await all(store.list('jobs/'))).toEqual([]);
  });

  it('keeps the deletion marker of a job for longer than Temporal keeps the job', async () => {
    await store.put('deletions/sum_1/run', new Uint8Array());
    now = START + 200 * DAY_MS;
    await collect({ oldestStart: undefined, retention: 365 * DAY_MS });
    expect(await all(store.list('deletions/'))).toHaveLength(1);
    await collect({ oldestStart: undefined, retention: 30 * DAY_MS });
    expect(await all(store.list('deletions/'))).toEqual([]);
  });

  it('keeps artifacts that a job of a month may have found at its start', async () => {
    await store.put('crops/old.bin', text('x'));
    await store.put('crops/found.bin', text('x'));
    const started = START + 5 * DAY_MS;
    now = started;
    await kept().head('crops/found.bin'); // 5 of 7 days old: renewed
    await store.put('crops/made.bin', text('x'));
    now = started + 30 * DAY_MS;
    await collect({ oldestStart: started, retention: DAY_MS });
    expect(await all(store.list('crops/'))).toEqual(['crops/found.bin', 'crops/made.bin']);
    await collect();
    expect(await all(store.list('crops/'))).toEqual([]);
  });

  it('never removes keys or unknown classes', async () => {
    await store.put('keys/references', text('x'));
    await store.put('later/version', text('x'));
    now = START + 10_000 * DAY_MS;
    await collect();
    expect(await all(store.list(''))).toEqual(['keys/references', 'later/version']);
  });

  it('resumes after an interruption and counts nothing twice', async () => {
    for (let index = 0; index < 250; index++) await store.put(`crops/${index}.bin`, text('x'));
    await store.put('frames/a', text('x'));
    now = START + 8 * DAY_MS;
    let last: CollectProgress | undefined;
    const cut = collect(IDLE, {
      onProgress(progress: CollectProgress) {
        last = progress;
        if (progress.at.class === 'crops' && progress.at.after) throw new Error('cut off');
      },
    });
    await expect(cut).rejects.toThrow('cut off');
    expect(last?.at.class).toBe('crops');
    const report = await collect(IDLE, { from: last });
    // What went between the last report and the end of the first one is gone already.
    expect(report.crops?.removed).toBeGreaterThanOrEqual(249);
    expect(report.crops?.removed).toBeLessThanOrEqual(250);
    expect(report.frames?.kept).toBe(1);
    expect(await all(store.list(''))).toEqual(['frames/a']);
  });
});

describe('concurrent collections', () => {
  it('are rejected unless the first one was killed', async () => {
    let second: unknown;
    await collect(IDLE, {
      onProgress: () => {
        second ??= collect().catch((error: unknown) => error);
      },
    });
    expect(await second).toMatchObject({ code: 'unavailable' });
    await store.put('collection-lock/current', text('killed'));
    await expect(collect()).rejects.toMatchObject({ code: 'unavailable' });
    now += DAY_MS;
    await collect();
    expect(await all(store.list('collection-lock/'))).toEqual([]);
  });
});

describe('lifetimes', () => {
  it('can be changed by class', () => {
    const { crops, jobs, generations, frames } = parseLifetimes('crops=2d, jobs=12h,generations=never');
    expect(crops.milliseconds).toBe(2 * DAY_MS);
    expect(jobs.milliseconds).toBe(DAY_MS / 2);
    expect(generations.milliseconds).toBe(Number.POSITIVE_INFINITY);
    expect(frames).toEqual(DEFAULT_LIFETIMES.frames);
  });

  it.each(['cropped=2d', 'crops=2', 'crops=1d', 'jobs=0h', 'keys=2d', 'crops'])(
    'refuse %j by name',
    (value) => {
      expect(() => parseLifetimes(value)).toThrow(/FRAMELOOM_LIFETIMES: "/);
    },
  );

  it('keep a frame as long as a job that displays it', () => {
    expect(DEFAULT_LIFETIMES.frames.milliseconds / 2).toBeGreaterThanOrEqual(
      DEFAULT_LIFETIMES.jobs.milliseconds,
    );
  });
});

describe('concurrent jobs and collections', () => {
  /**
   * What is wrong after many jobs and collections in an order that `seed` gives; and whether anything
   * happened at all.
   */
  async function race(seed: number, keeping: boolean) {
    const world = createWorld(seed, START);
    const stepped = createSteppedStore(world);
    const lifetimes = parseLifetimes('crops=2d');
    const used = keeping
      ? renewOnRead(stepped, lifetimes, { now: world.now, sleep: (milliseconds) => world.turn(milliseconds) })
      : stepped;
    const names = Array.from({ length: 6 }, (_, index) => `crops/${index}.bin`);
    for (const name of names) {
      // Younger and older than the lifetime and what is given for the skew of clocks.
      const modified = START - Math.floor((0.4 + world.random() * 1.2) * 2 * DAY_MS);
      stepped.held.set(name, { name, bytes: 1, sha256: '', modified });
    }
    const running = new Map<number, { readonly started: number; readonly found: Set<string> }>();
    let removed = 0;
    let foundExpired = 0;
    const lost = new Set<string>();

    async function job(id: number): Promise<void> {
      await world.turn(world.random() * 20_000);
      const mine = { started: world.now(), found: new Set<string>() };
      running.set(id, mine);
      for (const name of names.filter(() => world.random() < 0.7)) {
        const before = stepped.held.get(name);
        const info = await used.head(name);
        if (info && before && world.now() - before.modified > 2 * DAY_MS) foundExpired += 1;
        if (!info) await used.put(name, text('x'));
        mine.found.add(name);
        // Most work takes seconds; at times the queue is long.
        await world.turn(world.random() < 0.2 ? world.random() * 2 * DAY_MS : world.random() * 2000);
      }
      running.delete(id);
    }

    async function collector(): Promise<void> {
      for (let round = 0; round < 4; round++) {
        await world.turn(world.random() * 15_000);
        const starts = [...running.values()].map(({ started }) => started);
        const live = {
          asOf: world.now(),
          oldestStart: starts.length > 0 ? Math.min(...starts) : undefined,
          retention: DAY_MS,
        };
        await world.turn(); // between the question and the first look
        try {
          const report = await collectGarbage({ store: stepped, lifetimes, live, now: world.now });
          removed += report.crops?.removed ?? 0;
        } catch (error) {
          if (!(error instanceof StoreError)) throw error;
        }
      }
    }

    const tasks = [...Array.from({ length: 5 }, (_, id) => job(id)), collector(), collector()];
    await world.run(tasks, () => {
      for (const { found } of running.values())
        for (const name of found) if (!stepped.held.has(name)) lost.add(name);
    });
    return { lost: lost.size, removed, foundExpired };
  }

  async function races(keeping: boolean) {
    const sum = { lost: 0, removed: 0, foundExpired: 0 };
    for (let seed = 1; seed <= 150; seed++) {
      const { lost, removed, foundExpired } = await race(seed, keeping);
      sum.lost += lost;
      sum.removed += removed;
      sum.foundExpired += foundExpired;
    }
    return sum;
  }

  it('never remove an artifact that a job has found', async () => {
    const { lost, removed, foundExpired } = await races(true);
    expect(lost).toBe(0);
    expect(removed).toBeGreaterThan(50);
    expect(foundExpired).toBeGreaterThan(50);
  });

  it('would remove such artifacts without renewal', async () => {
    expect((await races(false)).lost).toBeGreaterThan(0);
  });
});
