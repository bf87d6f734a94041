import {
  ELEMENT_BYTES,
  type FloatType,
  type Graph,
  ModelError,
  type NamedTensor,
  type Tensor,
} from '../../onnx/index.ts';
import type { ModelFolder } from '../folder/index.ts';

/** One generation's place in a KV cache. */
export interface CacheRow {
  readonly slab: CacheSlab;
  /** Which row of the slab it is. */
  readonly index: number;
  /** Gives the place and its memory back. */
  release(): void;
}

/** Rows that lie together, so that they can share a step: tensors `[rows, heads, capacity, headSize]`. */
export interface CacheSlab {
  /** Its sequences use the long rope factors. */
  readonly long: boolean;
  /** Tokens that each row has room for. */
  readonly capacity: number;
  /** What a run over `count` rows from `first` on reads and writes, in place. */
  bind(first: number, count: number): { readonly past: NamedTensor[]; readonly present: NamedTensor[] };
  /** Tokens in row `index`, 0 where it is free. */
  filled(index: number): number;
  /** Notes that row `index` holds `tokens` tokens now. */
  fill(index: number, tokens: number): void;
}

/** The memory of all KV caches of a model, within a budget. */
export interface KvCache {
  /** Bytes that a token takes in every layer. */
  readonly bytesPerToken: number;
  /** A row for a sequence of at most `tokens`, or undefined while there is no room for it. */
  open(tokens: number, long: boolean): CacheRow | undefined;
  /** @throws ModelError `memory_exceeded` when there will never be room for `tokens`. */
  checkFits(tokens: number): void;
  close(): void;
}

export interface KvCacheOptions {
  readonly graph: Graph;
  readonly folder: ModelFolder;
  readonly type: FloatType;
  /** Most rows of a slab. */
  readonly rows: number;
  /** Most bytes that all rows may take. */
  readonly maxBytes: number;
  /** Rows can share memory and steps; else each sequence gets tensors of exactly its size. */
  readonly inPlace: boolean;
  /** Only what is written takes memory, so that room for more costs nothing. */
  readonly lazyMemory: boolean;
}

/**
 * Sequences up to the switch of the rope tables share one slab, and so every step. Longer ones share a slab with those of
 * about the same length: room is made in powers of two.
 */
export function createKvCache(options: KvCacheOptions): KvCache {
  const { folder, maxBytes, inPlace, lazyMemory } = options;
  const { layers, kvHeads, headSize, ropeSwitch, contextLength } = folder;
  const bytesPerToken = 2 * layers * kvHeads * headSize * ELEMENT_BYTES[options.type];
  const slabs = new Set<ManagedSlab>();
  let used = 0;

  function capacityFor(tokens: number, long: boolean): number {
    if (!inPlace) return tokens;
    if (!long) return Math.min(ropeSwitch, contextLength);
    // A mask beyond the switch selects the long factors, and must lie within the cache.
    const least = Math.max(tokens, ropeSwitch + 1);
    return lazyMemory ? Math.min(contextLength, 2 ** Math.ceil(Math.log2(least))) : least;
  }

  function rowsFor(capacity: number, long: boolean): number {
    if (!inPlace) return 1;
    if (lazyMemory && !long) return options.rows;
    return Math.max(1, Math.min(options.rows, Math.floor(maxBytes / (capacity * bytesPerToken))));
  }

  /** What a row is charged: where memory is taken at once, all that it could hold. */
  const charge = (tokens: number, capacity: number): number =>
    (lazyMemory ? tokens : capacity) * bytesPerToken;

  return {
    bytesPerToken,
    checkFits: (tokens) => {
      const bytes = tokens * bytesPerToken;
      if (bytes <= maxBytes) return;
      throw new ModelError(
        'memory_exceeded',
        `${tokens} tokens of prompt and answer take ${mebibytes(bytes)} MiB of KV cache, and the model may use ${mebibytes(maxBytes)} MiB. Ask for fewer tokens or pictures, or raise FRAMELOOM_MODEL_MEMORY.`,
      );
    },
    open: (tokens, long) => {
      const capacity = capacityFor(tokens, long);
      const bytes = charge(tokens, capacity);
      if (used > 0 && used + bytes > maxBytes) return undefined;
      let slab = [...slabs].find(
        (each) => each.long === long && each.capacity === capacity && each.hasRoom(),
      );
      if (slab === undefined) {
        slab = createSlab(options, long, capacity, rowsFor(capacity, long));
        slabs.add(slab);
      }
      const owner = slab;
      const index = owner.take();
      used += bytes;
      let open = true;
      return {
        slab: owner,
        index,
        release: () => {
          if (!open) return;
          open = false;
          used -= bytes;
          owner.give(index);
          // Short sequences will come again; memory of others is better free.
          if (owner.isEmpty() && !(lazyMemory && !long)) {
            slabs.delete(owner);
            owner.close();
          }
        },
      };
    },
    close: () => {
      for (const slab of slabs) slab.close();
      slabs.clear();
    },
  };
}

interface ManagedSlab extends CacheSlab {
  hasRoom(): boolean;
  isEmpty(): boolean;
  /** The lowest free row: steps cover a stretch of rows, and the shorter it is the better. */
  take(): number;
  give(index: number): void;
  close(): void;
}

function createSlab(options: KvCacheOptions, long: boolean, capacity: number, rows: number): ManagedSlab {
  const { graph, folder, type } = options;
  const dims = [rows, folder.kvHeads, capacity, folder.headSize];
  const cache: { past: string; present: string; tensor: Tensor }[] = [];
  for (const names of folder.text.cache) cache.push({ ...names, tensor: graph.deviceMemory(type, dims) });
  const taken = new Set<number>();
  const tokensIn = new Map<number, number>();
  return {
    filled: (index) => tokensIn.get(index) ?? 0,
    fill: (index, tokens) => tokensIn.set(index, tokens),
    long,
    capacity,
    bind: (first, count) => {
      const views = cache.map(({ past, present, tensor }) => ({
        past,
        present,
        view: tensor.rows(first, count),
      }));
      return {
        past: views.map(({ past, view }) => [past, view]),
        present: views.map(({ present, view }) => [present, view]),
      };
    },
    hasRoom: () => taken.size < rows,
    isEmpty: () => taken.size === 0,
    take: () => {
      let index = 0;
      while (taken.has(index)) index += 1;
      taken.add(index);
      return index;
    },
    give: (index) => {
      taken.delete(index);
      tokensIn.delete(index);
      for (const { tensor } of cache) tensor.rows(index, 1).forget();
    },
    close: () => {
      for (const { tensor } of cache) tensor.release();
    },
  };
}

const mebibytes = (bytes: number): string => Math.ceil(bytes / 2 ** 20).toLocaleString('en');
