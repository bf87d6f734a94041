/** Contract of all artifact stores. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../store/artifact-store.ts';

export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ArtifactStore;
  /** Data of the adapter other than artifacts. Empty unless a writer is active. */
  leftovers(): Promise<readonly string[]>;
  /** Overwrites the stored bytes of an artifact with as many others. */
  damage(name: string, bytes: Uint8Array): Promise<void>;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const sha256 = (value: string | Uint8Array): string =>
  createHash('sha256').update(value).digest('hex');

export async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

export async function* chunks(...values: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

export async function all<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

/** An incremental SHA-256 for an S3 store. */
export function createSha256() {
  const hash = createHash('sha256');
  return { update: (bytes: Uint8Array) => void hash.update(bytes), hex: () => hash.digest('hex') };
}

/** Part size of buckets in tests: the minimum of S3, so that bodies of a few MiB have several parts. */
export const PART = 5 * 2 ** 20;

/** `count` chunks of 1 MiB, each filled with its number. */
export async function* mebibytes(count: number): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) yield new Uint8Array(2 ** 20).fill(index);
}

export async function sha256Of(values: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const value of values) hash.update(value);
  return hash.digest('hex');
}

export function describeArtifactStore(kind: string, open: () => Promise<StoreUnderTest>): void {
  describe(`an artifact store ${kind}`, () => {
    let tested: StoreUnderTest;
    let store: ArtifactStore;
    beforeEach(async () => {
      tested = await open();
      store = tested.store;
    });
    afterEach(() => tested[Symbol.asyncDispose]());

    it('returns an artifact with its size, hash and modification time', async () => {
      const before = Date.now();
      const info = await store.put('generations/a.json', chunks('hello ', 'world'));
      expect(info).toMatchObject({ name: 'generations/a.json', bytes: 11, sha256: sha256('hello world') });
      const found = await store.head('generations/a.json');
      expect(found).toMatchObject({ name: 'generations/a.json', bytes: 11, sha256: sha256('hello world') });
      // Buckets tell whole seconds.
      expect(found?.modified).toBeGreaterThan(before - 1500);
      expect(found?.modified).toBeLessThan(Date.now() + 1500);
      expect(await collect(await store.read('generations/a.json'))).toBe('hello world');
      expect(new TextDecoder().decode(await store.bytes('generations/a.json'))).toBe('hello world');
    });

    it('stores an empty artifact', async () => {
      await store.put('deletions/a/run', new Uint8Array());
      expect(await store.head('deletions/a/run')).toMatchObject({ bytes: 0, sha256: sha256('') });
      expect(await collect(await store.read('deletions/a/run'))).toBe('');
      expect(await all(store.entries('deletions/'))).toMatchObject([{ name: 'deletions/a/run', bytes: 0 }]);
    });

    it('reads a range of bytes', async () => {
      await store.put('sources/a', text('0123456789'));
      expect(await collect(await store.read('sources/a', { start: 2, end: 5 }))).toBe('234');
      expect(await collect(await store.read('sources/a', { start: 8 }))).toBe('89');
      expect(await collect(await store.read('sources/a', { start: 8, end: 100 }))).toBe('89');
      expect(await collect(await store.read('sources/a', { start: 10 }))).toBe('');
      expect(await collect(await store.read('sources/a', { start: 20, end: 30 }))).toBe('');
    });

    it('stores a body of 12 MiB without a change', async () => {
      const sum = await sha256Of(mebibytes(12));
      const info = await store.putByContent('sources', mebibytes(12));
      expect(info).toMatchObject({ name: `sources/${sum}`, bytes: 12 * 2 ** 20, sha256: sum });
      expect(await store.head(info.name)).toMatchObject({ bytes: 12 * 2 ** 20, sha256: sum });
      expect(await sha256Of(await store.read(info.name))).toBe(sum);
      // On both sides of the end of the fifth MiB.
      const start = 5 * 2 ** 20 - 2;
      const part = await new Response(await store.read(info.name, { start, end: start + 4 })).bytes();
      expect([...part]).toEqual([4, 4, 5, 5]);
      expect(await all(store.entries('sources/'))).toMatchObject([{ name: info.name, bytes: 12 * 2 ** 20 }]);
      expect(await all(store.list(''))).toEqual([info.name]);
      await store.withFile(info.name, async (path) => expect(sha256(await readFile(path))).toBe(sum));
      // The second of two equal bodies leaves nothing but the first.
      expect(await store.putByContent('sources', mebibytes(12))).toMatchObject({ sha256: sum });
      await store.delete(info.name);
      expect(await tested.leftovers()).toEqual([]);
    });

    it('keeps the first of two puts under one name', async () => {
      await store.put('frames/a', text('first'));
      const second = await store.put('frames/a', text('second'));
      expect(second.sha256).toBe(sha256('first'));
      expect((await store.put('frames/a', chunks('third'))).sha256).toBe(sha256('first'));
      expect(await collect(await store.read('frames/a'))).toBe('first');
    });

    it('keeps the artifact of exactly one of many concurrent writers', async () => {
      const bodies = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(50_000));
      const infos = await Promise.all(bodies.map((body) => store.put('frames/race', chunks(body))));
      const published = await collect(await store.read('frames/race'));
      expect(bodies).toContain(published);
      expect(new Set(infos.map((info) => info.sha256))).toEqual(new Set([sha256(published)]));
    });

    it('returns all of a large artifact or nothing while it is written', async () => {
      const seen = new Set<number | undefined>();
      async function* watched(): AsyncGenerator<Uint8Array> {
        for await (const chunk of mebibytes(12)) {
          seen.add((await store.head('sources/large'))?.bytes);
          yield chunk;
        }
      }
      await store.put('sources/large', watched());
      expect([...seen]).toEqual([undefined]);
      expect((await store.head('sources/large'))?.bytes).toBe(12 * 2 ** 20);
    });

    it('names content by its hash', async () => {
      const info = await store.putByContent('sources', chunks('a', 'b'));
      expect(info.name).toBe(`sources/${sha256('ab')}`);
    });

    it.each([
      ['small', 6],
      ['large', 11 * 2 ** 20],
    ])('stops a %s body that is longer than allowed and keeps nothing of it', async (_, maxBytes) => {
      await expect(store.putByContent('sources', mebibytes(12), { maxBytes })).rejects.toMatchObject({
        code: 'too_large',
      });
      expect(await tested.leftovers()).toEqual([]);
      expect(await all(store.list(''))).toEqual([]);
    });

    it('stores nothing of a body whose stream fails', async () => {
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield* mebibytes(11);
        throw new Error('connection lost');
      }
      await expect(store.put('sources/x', failing())).rejects.toThrow('connection lost');
      expect(await store.head('sources/x')).toBeUndefined();
      expect(await tested.leftovers()).toEqual([]);
    });

    it('rejects damaged bytes, and permits to create the artifact again', async () => {
      await store.put('crops/a', text('good'));
      await tested.damage('crops/a', text('evil'));
      await expect(store.bytes('crops/a')).rejects.toMatchObject({ code: 'corrupt' });
      expect(await store.head('crops/a')).toBeUndefined();
      await store.put('crops/a', text('good'));
      await tested.damage('crops/a', text('evil'));
      const reading = async (): Promise<string> => collect(await store.read('crops/a'));
      await expect(reading()).rejects.toMatchObject({ code: 'corrupt' });
      await store.put('crops/a', text('good'));
      await tested.damage('crops/a', text('evil'));
      await expect(store.withFile('crops/a', (path) => readFile(path, 'utf8'))).rejects.toMatchObject({
        code: 'corrupt',
      });
      expect(await store.head('crops/a')).toBeUndefined();
    });

    it('lists names by prefix, in order of their bytes, after a name', async () => {
      for (const name of [
        'jobs/b/2',
        'jobs/a/10',
        'jobs/a/02',
        'jobs/a-b',
        'jobs/c',
        'jobs/c-d/1',
        'frames/z',
      ]) {
        await store.put(name, text(name));
      }
      expect(await all(store.list('jobs/'))).toEqual([
        'jobs/a-b',
        'jobs/a/02',
        'jobs/a/10',
        'jobs/b/2',
        'jobs/c',
        'jobs/c-d/1',
      ]);
      expect(await all(store.list('jobs/a/', 'jobs/a/02'))).toEqual(['jobs/a/10']);
      expect(await all(store.list('jobs/a/1'))).toEqual(['jobs/a/10']);
      expect(await all(store.list('jobs/none/'))).toEqual([]);
      expect((await all(store.list('')))[0]).toBe('frames/z');
    });

    it('deletes an artifact, and deletes it twice without an error', async () => {
      await store.put('frames/a', text('x'));
      await store.delete('frames/a');
      await store.delete('frames/a');
      await expect(store.read('frames/a')).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.read('frames/a', { start: 0, end: 1 })).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.bytes('frames/a')).rejects.toMatchObject({ code: 'not_found' });
      await expect(store.withFile('frames/a', async () => 1)).rejects.toMatchObject({ code: 'not_found' });
    });

    it('expires older artifacts and none that was touched since', async () => {
      const { modified } = await store.put('crops/a', text('x'));
      expect(await store.expire('crops/a', modified - 5000)).toBe(false);
      expect(await store.head('crops/a')).toBeDefined();
      expect(await store.touch('crops/a')).toBe(true);
      expect(await store.head('crops/a')).toMatchObject({ bytes: 1, sha256: sha256('x') });
      expect(await store.expire('crops/a', Date.now() + 5000)).toBe(true);
      expect(await store.head('crops/a')).toBeUndefined();
      expect(await store.touch('crops/a')).toBe(false);
      expect(await store.expire('crops/a', Date.now() + 5000)).toBe(false);
    });

    it('keeps the bytes of a touched large artifact, and sweeps those of an expired one', async () => {
      await store.put('sources/large', mebibytes(12));
      await store.touch('sources/large');
      await store.sweep(Date.now() + 5000);
      expect(await sha256Of(await store.read('sources/large'))).toBe(await sha256Of(mebibytes(12)));
      expect(await store.expire('sources/large', Date.now() + 5000)).toBe(true);
      await expect(store.read('sources/large')).rejects.toMatchObject({ code: 'not_found' });
      await store.sweep(Date.now() + 5000);
      expect(await tested.leftovers()).toEqual([]);
    });

    it.each([
      '../etc/passwd',
      'a/../../b',
      '/abs',
      'a//b',
      'frames/.hidden',
      'Frames/A',
      'a',
      'a/b\0',
      `a/${'x'.repeat(600)}`,
    ])('refuses the name %j', async (name) => {
      await expect(store.put(name, text('x'))).rejects.toMatchObject({ code: 'invalid_name' });
      await expect(store.head(name)).rejects.toMatchObject({ code: 'invalid_name' });
      await expect(store.read(name)).rejects.toMatchObject({ code: 'invalid_name' });
      await expect(store.touch(name)).rejects.toMatchObject({ code: 'invalid_name' });
      await expect(store.expire(name, Date.now())).rejects.toMatchObject({ code: 'invalid_name' });
    });
  });
}
