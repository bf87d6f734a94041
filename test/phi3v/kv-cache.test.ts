/** How rows and memory are given to sequences. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../onnx/index.ts';
import { createFeatureCache } from '../../phi3v/engine/feature-cache.ts';
import { createKvCache, type KvCacheOptions } from '../../phi3v/engine/kv-cache.ts';
import type { ModelFolder } from '../../phi3v/folder/model-folder.ts';

/** Two layers of one head of size 2: 32 bytes a token. */
const FOLDER = {
  contextLength: 131_072,
  ropeSwitch: 4096,
  layers: 2,
  kvHeads: 1,
  headSize: 2,
  text: { cache: [0, 1].map((i) => ({ past: `past.${i}`, present: `present.${i}` })) },
} as unknown as ModelFolder; // what the cache reads of it

function cache(rest: Partial<KvCacheOptions> = {}) {
  const allocated: (readonly number[])[] = [];
  const graph: Pick<Graph, 'allocate'> = {
    allocate: (type, dims) => {
      allocated.push(dims);
      const tensor = {
        type,
        dims,
        data: undefined,
        sliceRows: () => tensor,
        discardMemory: () => {},
        release: () => {},
      };
      return tensor;
    },
  };
  const kv = createKvCache({
    graph: graph as Graph, // memory is all that is asked of it
    folder: FOLDER,
    type: 'float32',
    rows: 3,
    maxBytes: 32 * 10_000,
    inPlace: true,
    lazyMemory: true,
    ...rest,
  });
  return { kv, allocated };
}

describe('a KV cache', () => {
  it('knows what a token takes in all layers, keys and values', () => {
    expect(cache().kv.bytesPerToken).toBe(32);
    expect(cache({ type: 'float16' }).kv.bytesPerToken).toBe(16);
  });

  it('gives short sequences rows of one slab, the lowest free one first', () => {
    const { kv, allocated } = cache();
    const [a, b, c] = [kv.open(100, false), kv.open(200, false), kv.open(300, false)];
    expect([a?.index, b?.index, c?.index]).toEqual([0, 1, 2]);
    expect(a?.slab).toBe(c?.slab);
    b?.release();
    expect(kv.open(50, false)?.index).toBe(1);
    // One allocation per name of the cache, with room up to the switch.
    expect(allocated).toEqual([
      [3, 1, 4096, 2],
      [3, 1, 4096, 2],
    ]);
  });

  it('separates long sequences from short ones, with a power of two as capacity', () => {
    const { kv } = cache();
    const short = kv.open(100, false);
    const long = kv.open(5000, true);
    expect([short?.slab.long, long?.slab.long, long?.slab.capacity]).toEqual([false, true, 8192]);
    // A mask of 4097 must lie within, even where the answer is cut before.
    expect(kv.open(4097, true)?.slab.capacity).toBe(8192);
  });

  it('rejects sequences over the budget until memory is released', () => {
    const { kv } = cache();
    const first = kv.open(3000, false);
    expect(kv.open(3000, false)).toBeDefined();
    expect(kv.open(3000, false)).toBeDefined();
    expect(kv.open(1500, false)).toBeUndefined();
    first?.release();
    expect(kv.open(1500, false)).toBeDefined();
  });

  it('counts a row once, however often it is released', () => {
    const { kv } = cache();
    const row = kv.open(9000, false);
    row?.release();
    row?.release();
    expect(kv.open(9000, false)).toBeDefined();
    expect(kv.open(2000, false)).toBeUndefined();
  });

  it('reports the numbers if there will never be room', () => {
    const { kv } = cache({ maxBytes: 2 ** 20 });
    kv.checkFits(32_768);
    expect(() => kv.checkFits(65_536)).toThrow(/65536 tokens .* take 2 MiB .* may use 1 MiB/);
    expect(() => kv.checkFits(65_536)).toThrow(expect.objectContaining({ code: 'memory_exceeded' }));
  });

  it('takes just what a sequence needs where rows cannot share', () => {
    const { kv, allocated } = cache({ inPlace: false, lazyMemory: false });
    const [a, b] = [kv.open(100, false), kv.open(200, false)];
    expect([a?.slab.capacity, b?.slab.capacity]).toEqual([100, 200]);
    expect(a?.slab).not.toBe(b?.slab);
    expect(allocated[0]).toEqual([1, 1, 100, 2]);
  });

  it('charges all the room of a row where memory is taken at once', () => {
    const { kv } = cache({ lazyMemory: false });
    expect(kv.open(10, false)).toBeDefined();
    expect(kv.open(10, false)).toBeDefined();
    expect(kv.open(10, false)).toBeUndefined();
  });
});

describe('features in memory', () => {
  const features = (tokens: number) => ({ data: new Float32Array(tokens), tokens, hiddenSize: 1 });

  it('are dropped when there are too many bytes, the longest unused first', () => {
    const kept = createFeatureCache(12);
    kept.set('a', features(1));
    kept.set('b', features(1));
    kept.set('c', features(1));
    expect(kept.get('a')).toBeDefined();
    kept.set('d', features(1));
    expect(['a', 'b', 'c', 'd'].filter((key) => kept.get(key))).toEqual(['a', 'c', 'd']);
  });

  it('are not cached when they exceed the limit alone', () => {
    const kept = createFeatureCache(12);
    kept.set('a', features(1));
    kept.set('big', features(4));
    expect(kept.get('big')).toBeUndefined();
    expect(kept.get('a')).toBeDefined();
  });
});
