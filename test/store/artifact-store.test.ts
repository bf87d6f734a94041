import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { createFolderStore } from '../../store/folder-store.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const sha256 = (value: string): string => createHash('sha256').update(value).digest('hex');

async function collect(stream: ReadableStream<Uint8Array>): Promise<string> {
  return new Response(stream).text();
}

async function* chunks(...values: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const value of values) yield text(value);
}

async function all(names: AsyncIterable<string>): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const name of names) found.push(name);
  return found;
}

let root: string;
let store: ArtifactStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'frameloom-store-'));
  store = createFolderStore(root);
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('an artifact store on a folder', () => {
  it('gives back what was put, with its size and hash', async () => {
    const info = await store.put('captions/a.json', chunks('hello ', 'world'));
    expect(info).toEqual({ name: 'captions/a.json', bytes: 11, sha256: sha256('hello world') });
    expect(await store.head('captions/a.json')).toEqual(info);
    expect(await collect(await store.read('captions/a.json'))).toBe('hello world');
    expect(new TextDecoder().decode(await store.bytes('captions/a.json'))).toBe('hello world');
  });

  it('reads a range of bytes', async () => {
    await store.put('source/a', text('0123456789'));
    expect(await collect(await store.read('source/a', { start: 2, end: 5 }))).toBe('234');
    expect(await collect(await store.read('source/a', { start: 8 }))).toBe('89');
    expect(await collect(await store.read('source/a', { start: 10 }))).toBe('');
  });

  it('keeps the first of two puts under one name', async () => {
    await store.put('frames/a', text('first'));
    const second = await store.put('frames/a', text('second'));
    expect(second.sha256).toBe(sha256('first'));
    expect(await collect(await store.read('frames/a'))).toBe('first');
  });

  it('lets exactly one of many simultaneous writers win, and shows no reader a mixture', async () => {
    const bodies = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(50_000));
    const infos = await Promise.all(bodies.map((body) => store.put('frames/race', chunks(body))));
    const published = await collect(await store.read('frames/race'));
    expect(bodies).toContain(published);
    expect(new Set(infos.map((info) => info.sha256))).toEqual(new Set([sha256(published)]));
  });

  it('names content by its own hash', async () => {
    const info = await store.putByContent('source', chunks('a', 'b'));
    expect(info.name).toBe(`source/${sha256('ab')}`);
  });

  it('stops a body that is longer than allowed and keeps nothing of it', async () => {
    await expect(store.putByContent('source', chunks('aaaa', 'bbbb'), { maxBytes: 6 })).rejects.toMatchObject(
      {
        code: 'too_large',
      },
    );
    expect(await readdir(join(root, '.aside'))).toEqual([]);
    expect(await all(store.list(''))).toEqual([]);
  });

  it('keeps nothing of a body whose stream fails', async () => {
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield text('half');
      throw new Error('connection lost');
    }
    await expect(store.put('source/x', failing())).rejects.toThrow('connection lost');
    expect(await store.head('source/x')).toBeUndefined();
    expect(await readdir(join(root, '.aside'))).toEqual([]);
  });

  it('refuses damaged bytes on reading, and lets them be made again', async () => {
    await store.put('crops/a', text('good'));
    await writeFile(join(root, 'crops', 'a', 'data'), 'evil');
    await expect(store.bytes('crops/a')).rejects.toMatchObject({ code: 'corrupt' });
    expect(await store.head('crops/a')).toBeUndefined();
    await store.put('crops/a', text('good'));
    await writeFile(join(root, 'crops', 'a', 'data'), 'evil');
    await expect(collect(await store.read('crops/a'))).rejects.toMatchObject({ code: 'corrupt' });
    await store.put('crops/a', text('good'));
    await writeFile(join(root, 'crops', 'a', 'data'), 'evil');
    await expect(store.withFile('crops/a', async () => 'used')).rejects.toMatchObject({ code: 'corrupt' });
    expect(await store.head('crops/a')).toBeUndefined();
  });

  it('lists names by prefix, in order, after a name', async () => {
    for (const name of ['jobs/b/2', 'jobs/a/10', 'jobs/a/02', 'frames/z']) await store.put(name, text(name));
    expect(await all(store.list('jobs/'))).toEqual(['jobs/a/02', 'jobs/a/10', 'jobs/b/2']);
    expect(await all(store.list('jobs/a/', 'jobs/a/02'))).toEqual(['jobs/a/10']);
  });

  it('forgets what was deleted, and deletes twice without complaint', async () => {
    await store.put('frames/a', text('x'));
    await store.delete('frames/a');
    await store.delete('frames/a');
    await expect(store.read('frames/a')).rejects.toMatchObject({ code: 'not_found' });
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
  });
});
