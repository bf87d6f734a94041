import {
  BYTES_PER_ELEMENT,
  type FloatType,
  type Graph,
  ModelError,
  type NamedTensor,
  type Tensor,
} from '../../onnx/index.ts';
import type { ModelFolder } from '../folder/index.ts';

/** The KV cache of one sequence. */
export interface CacheRow {
  readonly slab: CacheSlab;
  /** Index of the row in the slab. */
  readonly index: number;
  /** Frees the row and its memory. */
  release(): void;
}

/** Rows in one set of tensors `[rows, heads, capacity, headSize]`, which therefore can share a step. */
export interface CacheSlab {
  /** Whether its sequences use the long rope factors. */
  readonly long: boolean;
  /** Tokens for which each row has room. */
  readonly capacity: number;
  /** Tensors that a run over `count` rows from `first` on reads and writes, in place. */
  bind(first: number, count: number): { readonly past: NamedTensor[]; readonly present: NamedTensor[] };
  /** Number of tokens in row `index`; 0 if it is free. */
  filled(index: number): number;
  /** Records that row `index` now has `tokens` tokens. */
  fill(index: number, tokens: number): void;
}

/** The memory of all KV caches of a model, within a limit. */
export interface KvCache {
  /** Bytes for one token, in all layers together. */
  readonly bytesPerToken: number;
  /** A row for a sequence of at most `tokens` tokens, or undefined while there is no room. */
  open(tokens: number, long: boolean): CacheRow | undefined;
  /** @throws ModelError `memory_exceeded` when there will never be room for `tokens` tokens. */
  checkFits(tokens: number): void;
  close(): void;
}

export interface KvCacheOptions {
  readonly graph: Graph;
  readonly folder: ModelFolder;
  readonly type: FloatType;
  /** Most rows of a slab. */
  readonly rows: number;
  /** Most bytes of all rows together. */
  readonly maxBytes: number;
  /**
   * Whether the graph updates caches in place, so that rows can share tensors. Otherwise each sequence has
   * its own.
   */
  readonly inPlace: boolean;
  /** Whether memory is taken only where it is written, so that unused capacity costs nothing. */
  readonly lazyMemory: boolean;
}

/**
 * Sequences up to `ropeSwitch` tokens share one slab, and therefore every step. Longer ones share a slab with
 * others of similar length: its capacity is a power of two.
 */
export function createKvCache(options: KvCacheOptions): KvCache {
  const { folder, maxBytes, inPlace, lazyMemory } = options;
  const { layers, kvHeads, headSize, ropeSwitch, contextLength } = folder;
  const bytesPerToken = 2 * layers * kvHeads * headSize * BYTES_PER_ELEMENT[options.type];
  const slabs = new Set<ManagedSlab>();
  let used = 0;

  function capacityFor(tokens: number, long: boolean): number {
    if (!inPlace) return tokens;
    if (!long) return Math.min(ropeSwitch, contextLength);
    // The attention mask that selects the long factors is wider than the switch, and must not be wider than
    // the cache.
    const least = Math.max(tokens, ropeSwitch + 1);
    return lazyMemory ? Math.min(contextLength, 2 ** Math.ceil(Math.log2(least))) : least;
  }

  function rowsFor(capacity: number, long: boolean): number {
    if (!inPlace) return 1;
    if (lazyMemory && !long) return options.rows;
    return Math.max(1, Math.min(options.rows, Math.floor(maxBytes / (capacity * bytesPerToken))));
  }

  /** Bytes counted for a row: its whole capacity where memory is taken at once. */
  const charge = (tokens: number, capacity: number): number =>
    (lazyMemory ? tokens : capacity) * bytesPerToken;

  return {
    bytesPerToken,
    checkFits: (tokens) => {
      const bytes = tokens * bytesPerToken;
      if (bytes <= maxBytes) return;
      throw new ModelError(
        'memory_exceeded',
        `${tokens} tokens of prompt and output take ${mebibytes(bytes)} MiB of KV cache; the model may use ${mebibytes(maxBytes)} MiB. Request fewer tokens or images, or raise FRAMELOOM_MODEL_MEMORY.`,
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
          // The slab of short sequences will soon be used again; the memory of others is better freed.
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
  /** Takes the lowest free row: a step covers a range of rows, and a short range is faster. */
  take(): number;
  give(index: number): void;
  close(): void;
}

function createSlab(options: KvCacheOptions, long: boolean, capacity: number, rows: number): ManagedSlab {
  const { graph, folder, type } = options;
  const dims = [rows, folder.kvHeads, capacity, folder.headSize];
  const cache: { past: string; present: string; tensor: Tensor }[] = [];
  for (const names of folder.text.cache) cache.push({ ...names, tensor: graph.allocate(type, dims) });
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
        view: tensor.sliceRows(first, count),
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
      for (const { tensor } of cache) tensor.sliceRows(index, 1).discardMemory();
    },
    close: () => {
      for (const { tensor } of cache) tensor.release();
    },
  };
}

const mebibytes = (bytes: number): string => Math.ceil(bytes / 2 ** 20).toLocaleString('en');
