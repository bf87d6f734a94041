import {
  type FloatData,
  type FloatType,
  type Graph,
  ModelError,
  type NamedTensor,
  newData,
  type OrtRuntime,
  type Tensor,
  type TensorData,
  toFloats,
} from '../../onnx/index.ts';
import type { ModelFolder } from '../folder/index.ts';
import type { Decoder, StepRow } from './decoder.ts';
import type { CacheRow, CacheSlab, KvCache } from './kv-cache.ts';

/**
 * Unused rows that a step carries along rather than being cut in two there. Measured on four layers of the real size, a
 * further row costs a quarter of what another step costs.
 */
const MOST_IDLE_ROWS = 3;

/** What is run where something must be and nothing looks at it. */
const IDLE_ID = 0;

export interface TextDecoderOptions {
  readonly runtime: OrtRuntime;
  readonly folder: ModelFolder;
  readonly embedding: Graph;
  readonly text: Graph;
  readonly cache: KvCache;
}

/** One run of both graphs: `rows` rows of a slab from `first` on, each with `length` tokens from its `starts` on. */
interface Run {
  readonly slab: CacheSlab;
  readonly first: number;
  readonly rows: number;
  readonly length: number;
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  /** Position of the last token, where it is not where it lies. */
  readonly lastPosition?: number;
  readonly features: FloatData;
  readonly logits: boolean;
}

/** The embedding and the text graph over the rows of a KV cache. */
export function createTextDecoder(options: TextDecoderOptions): Decoder {
  const { runtime, folder, embedding, text, cache } = options;
  const { hiddenSize, ropeSwitch } = folder;
  const types = floatTypes(options);
  const vocabulary = text.outputs.get(folder.text.logits)?.dims.at(-1) ?? -1;
  if (vocabulary < 1)
    throw new ModelError('model_invalid', 'The text graph does not say how many tokens it knows.');
  const hasPositions = text.inputs.has(folder.text.positionIds);
  const embeds = scratch(types.embedded);
  const logits = scratch(types.logits);

  async function run(call: Run): Promise<TensorData> {
    const { slab, first, rows, length, ids, starts, features, logits: wanted } = call;
    const held: Tensor[] = [];
    const hold = (data: TensorData, dims: readonly number[]): Tensor => {
      const tensor = runtime.tensor(data, dims);
      held.push(tensor);
      return tensor;
    };
    try {
      const embedded = embeds(rows * length * hiddenSize);
      const slots = features.length / hiddenSize;
      await embedding.run(
        [
          // One row after another: this graph knows no batch.
          [folder.embedding.inputIds, hold(BigInt64Array.from(ids, BigInt), [1, rows * length])],
          [folder.embedding.imageFeatures, hold(toFloats(features, types.features), [slots, hiddenSize])],
        ],
        [[folder.embedding.inputsEmbeds, hold(embedded, [1, rows * length, hiddenSize])]],
      );
      const { mask, width } = attentionMask(starts, length, slab.long && !hasPositions ? ropeSwitch + 1 : 0);
      const inputs: NamedTensor[] = [
        [folder.text.inputsEmbeds, hold(toFloats(embedded, types.embeds), [rows, length, hiddenSize])],
        [folder.text.attentionMask, hold(mask, [rows, width])],
      ];
      if (hasPositions) inputs.push([folder.text.positionIds, hold(positions(call), [rows, length])]);
      const outputs: NamedTensor[] = [];
      const predicted = logits(wanted ? rows * length * vocabulary : 0);
      if (wanted) outputs.push([folder.text.logits, hold(predicted, [rows, length, vocabulary])]);
      const { past, present } = slab.bind(first, rows);
      await text.run([...inputs, ...past], [...outputs, ...present]);
      return predicted;
    } finally {
      for (const tensor of held) tensor.release();
    }
  }

  /** Logits of the token at `index` of a run. */
  function logitsAt(data: TensorData, index: number): Float32Array {
    const row = toFloats(data.subarray(index * vocabulary, (index + 1) * vocabulary), 'float32');
    if (row instanceof Float32Array) return row;
    throw new TypeError('Logits are read as float32.');
  }

  async function stepTogether(rows: readonly StepRow[]): Promise<readonly Float32Array[]> {
    const [lowest] = rows;
    const highest = rows.at(-1);
    if (lowest === undefined || highest === undefined) return [];
    const first = lowest.row.index;
    const count = highest.row.index - first + 1;
    const ids = new Array<number>(count).fill(IDLE_ID);
    // A row between them may be free, or still be filled: then the next chunk overwrites what is written here.
    const starts = Array.from({ length: count }, (_, i) => lowest.row.slab.filled(first + i));
    for (const { row, id, position } of rows) {
      ids[row.index - first] = id;
      starts[row.index - first] = position;
    }
    const data = await run({
      slab: lowest.row.slab,
      first,
      rows: count,
      length: 1,
      ids,
      starts,
      features: NO_FEATURES,
      logits: true,
    });
    for (const { row, position } of rows) row.slab.fill(row.index, position + 1);
    return rows.map(({ row }) => logitsAt(data, row.index - first));
  }

  async function prefill(
    row: CacheRow,
    ids: readonly number[],
    start: number,
    features: FloatData,
    wantLogits: boolean,
  ): Promise<Float32Array | undefined> {
    const one = { slab: row.slab, first: row.index, rows: 1, starts: [start], features };
    if (row.slab.long && hasPositions && start + ids.length <= ropeSwitch) {
      // These graphs choose the rope factors by the highest position of a call, so one token beyond the switch comes
      // along. Nothing looks at it: the real ones are before it, and the next chunk writes over it.
      const length = ids.length + 1;
      await run({ ...one, length, ids: [...ids, IDLE_ID], lastPosition: ropeSwitch, logits: false });
      row.slab.fill(row.index, start + ids.length);
      return undefined;
    }
    const data = await run({ ...one, length: ids.length, ids, logits: wantLogits });
    row.slab.fill(row.index, start + ids.length);
    return wantLogits ? logitsAt(data, ids.length - 1) : undefined;
  }

  return {
    open: cache.open,
    checkFits: cache.checkFits,
    prefill,
    step: async (rows) => {
      const inOrder = [...rows].sort((a, b) => a.row.index - b.row.index);
      const found = new Map<StepRow, Float32Array>();
      const stretches = splitAtGaps(inOrder);
      for (const stretch of stretches) {
        const predicted = await stepTogether(stretch);
        stretch.forEach((row, i) => {
          const values = predicted[i] ?? new Float32Array(0);
          // The next stretch writes over what this one left.
          found.set(row, stretches.length > 1 ? values.slice() : values);
        });
      }
      return rows.map((row) => found.get(row) ?? new Float32Array(0));
    },
  };
}

const NO_FEATURES = new Float32Array(0);

/** Stretches of rows without long gaps between them. `rows` are in order. */
function splitAtGaps(rows: readonly StepRow[]): readonly StepRow[][] {
  const stretches: StepRow[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const row of rows) {
    const index = row.row.index;
    if (index - last - 1 > MOST_IDLE_ROWS) stretches.push([]);
    stretches.at(-1)?.push(row);
    last = index;
  }
  return stretches;
}

/**
 * `[rows, width]`: a one for each token that a row holds after the run, from the left. The graph counts them to know the
 * lengths, and its width selects the rope factors: at least `least`.
 */
function attentionMask(
  starts: readonly number[],
  length: number,
  least: number,
): { mask: BigInt64Array; width: number } {
  const width = Math.max(least, ...starts.map((start) => start + length));
  const mask = new BigInt64Array(starts.length * width);
  starts.forEach((start, row) => {
    mask.fill(1n, row * width, row * width + start + length);
  });
  return { mask, width };
}

function positions({ starts, length, lastPosition }: Run): BigInt64Array {
  const all = starts.flatMap((start) => Array.from({ length }, (_, i) => start + i));
  if (lastPosition !== undefined) all[all.length - 1] = lastPosition;
  return BigInt64Array.from(all, BigInt);
}

/** The float types at every seam between the graphs, which need not be the same. */
function floatTypes({ folder, embedding, text }: TextDecoderOptions): {
  features: FloatType;
  embedded: FloatType;
  embeds: FloatType;
  logits: FloatType;
} {
  return {
    features: floatType(embedding.inputs, folder.embedding.imageFeatures),
    embedded: floatType(embedding.outputs, folder.embedding.inputsEmbeds),
    embeds: floatType(text.inputs, folder.text.inputsEmbeds),
    logits: floatType(text.outputs, folder.text.logits),
  };
}

/** @throws ModelError `model_invalid` where a graph has no such input or output, or one of another kind. */
export function floatType(infos: Graph['inputs'], name: string): FloatType {
  const type = infos.get(name)?.type;
  if (type === 'float32' || type === 'float16') return type;
  throw new ModelError('model_invalid', `A graph of the model folder lacks ${name} of float32 or float16.`);
}

/** Memory for one kind of output, used again and again. */
function scratch(type: FloatType): (count: number) => TensorData {
  let memory = newData(type, 0);
  return (count) => {
    if (memory.length < count) memory = newData(type, count);
    return memory.subarray(0, count);
  };
}
