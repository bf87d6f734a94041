import type { Decoder, Prefill, StepRow } from './decoder.ts';
import type { CacheRow, KvCache } from './kv-cache.ts';
import type { TextGraphs } from './text-graphs.ts';

/**
 * Unused rows in a range up to which one step is faster than two. Measured on four layers of the real size,
 * one more row costs a quarter of what one more step costs.
 */
const MAX_IDLE_ROWS = 3;

/** Token id for rows and positions whose output is not used. */
const PADDING_ID = 0;

/** Prefills and extends the rows of a KV cache with the embedding graph and the text graph. */
export function createTextDecoder(graphs: TextGraphs, cache: KvCache, ropeSwitch: number): Decoder {
  async function stepTogether(rows: readonly StepRow[]): Promise<readonly Float32Array[]> {
    const [lowest] = rows;
    const highest = rows.at(-1);
    if (lowest === undefined || highest === undefined) return [];
    const first = lowest.row.index;
    const count = highest.row.index - first + 1;
    const ids = new Array<number>(count).fill(PADDING_ID);
    // Rows between them may be free or still prefilling: then the next chunk overwrites what this step writes
    // there.
    const starts = Array.from({ length: count }, (_, i) => lowest.row.slab.filled(first + i));
    for (const { row, id, position } of rows) {
      ids[row.index - first] = id;
      starts[row.index - first] = position;
    }
    const data = await graphs.run({
      slab: lowest.row.slab,
      first,
      rows: count,
      length: 1,
      ids,
      starts,
      features: NO_FEATURES,
      wantLogits: true,
    });
    for (const { row, position } of rows) row.slab.fill(row.index, position + 1);
    return rows.map(({ row }) => graphs.logitsAt(data, row.index - first));
  }

  async function prefill(
    row: CacheRow,
    { ids, start, features, wantLogits }: Prefill,
  ): Promise<Float32Array | undefined> {
    const one = { slab: row.slab, first: row.index, rows: 1, starts: [start], features };
    if (row.slab.long && graphs.hasPositions && start + ids.length <= ropeSwitch) {
      // These graphs select the rope factors by the highest position of a call, so one padding token beyond
      // the switch is added. No other token attends to it, since it is the last one, and the next chunk
      // overwrites it.
      const length = ids.length + 1;
      await graphs.run({
        ...one,
        length,
        ids: [...ids, PADDING_ID],
        lastPosition: ropeSwitch,
        wantLogits: false,
      });
      row.slab.fill(row.index, start + ids.length);
      return undefined;
    }
    const data = await graphs.run({ ...one, length: ids.length, ids, wantLogits });
    row.slab.fill(row.index, start + ids.length);
    return wantLogits ? graphs.logitsAt(data, ids.length - 1) : undefined;
  }

  return {
    open: cache.open,
    checkFits: cache.checkFits,
    prefill,
    step: async (rows) => {
      const inOrder = [...rows].sort((a, b) => a.row.index - b.row.index);
      const logitsOf = new Map<StepRow, Float32Array>();
      const ranges = splitAtGaps(inOrder);
      for (const range of ranges) {
        const predicted = await stepTogether(range);
        range.forEach((row, i) => {
          const values = predicted[i] ?? new Float32Array(0);
          // The next range overwrites the logits of this one.
          logitsOf.set(row, ranges.length > 1 ? values.slice() : values);
        });
      }
      return rows.map((row) => logitsOf.get(row) ?? new Float32Array(0));
    },
  };
}

const NO_FEATURES = new Float32Array(0);

/** Ranges of rows without more than `MAX_IDLE_ROWS` unused ones in a row. `rows` are sorted by index. */
function splitAtGaps(rows: readonly StepRow[]): readonly StepRow[][] {
  const ranges: StepRow[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const index = row.row.index;
    if (index - last - 1 > MAX_IDLE_ROWS) ranges.push([]);
    ranges.at(-1)?.push(row);
    last = index;
  }
  return ranges;
}
