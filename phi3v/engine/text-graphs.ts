import {
  createTensorData,
  type FloatData,
  type FloatType,
  type Graph,
  ModelError,
  type NamedTensor,
  type OrtRuntime,
  type Tensor,
  type TensorData,
  toFloats,
} from '../../onnx/index.ts';
import type { ModelFolder } from '../folder/index.ts';
import type { CacheSlab } from './kv-cache.ts';

export interface TextGraphsOptions {
  readonly runtime: OrtRuntime;
  readonly folder: ModelFolder;
  readonly embedding: Graph;
  readonly text: Graph;
}

/**
 * One run of both graphs over `rows` rows of a slab from `first` on, each with `length` tokens at its
 * position in `starts`.
 */
export interface GraphRun {
  readonly slab: CacheSlab;
  readonly first: number;
  readonly rows: number;
  readonly length: number;
  readonly ids: readonly number[];
  readonly starts: readonly number[];
  /** Position of the last token, if it is not the one after the token before. */
  readonly lastPosition?: number;
  readonly features: FloatData;
  readonly wantLogits: boolean;
}

export interface TextGraphs {
  /** Whether the text graph has an input for positions, and selects the rope factors by them. */
  readonly hasPositions: boolean;
  /** Returns logits, `[rows, length, vocabulary]`, if `wantLogits`. Valid until the next call. */
  run(call: GraphRun): Promise<TensorData>;
  /** Logits of token `index` of a run, float32 `[vocabulary]`. */
  logitsAt(logits: TensorData, index: number): Float32Array;
}

/**
 * Runs the embedding graph and then the text graph.
 *
 * @throws ModelError `model_invalid` when the inputs or outputs of the graphs do not have the expected types.
 */
export function createTextGraphs(options: TextGraphsOptions): TextGraphs {
  const { runtime, folder, embedding, text } = options;
  const { hiddenSize, ropeSwitch } = folder;
  const types = floatTypes(options);
  const vocabulary = text.outputs.get(folder.text.logits)?.dims.at(-1) ?? -1;
  if (vocabulary < 1)
    throw new ModelError('model_invalid', 'The text graph has no fixed size of its vocabulary.');
  const hasPositions = text.inputs.has(folder.text.positionIds);
  const embeds = reusableBuffer(types.embedded);
  const logits = reusableBuffer(types.logits);

  return {
    hasPositions,
    run: async (call) => {
      const { slab, first, rows, length, ids, starts, features, wantLogits } = call;
      const tensors: Tensor[] = [];
      const allocate = (data: TensorData, dims: readonly number[]): Tensor => {
        const tensor = runtime.createTensor(data, dims);
        tensors.push(tensor);
        return tensor;
      };
      try {
        const embedded = embeds(rows * length * hiddenSize);
        const slots = features.length / hiddenSize;
        await embedding.run(
          [
            // All rows one after another: this graph has a batch size of one.
            [folder.embedding.inputIds, allocate(BigInt64Array.from(ids, BigInt), [1, rows * length])],
            [
              folder.embedding.imageFeatures,
              allocate(toFloats(features, types.features), [slots, hiddenSize]),
            ],
          ],
          [[folder.embedding.inputsEmbeds, allocate(embedded, [1, rows * length, hiddenSize])]],
        );
        const { mask, width } = attentionMask(
          starts,
          length,
          slab.long && !hasPositions ? ropeSwitch + 1 : 0,
        );
        const inputs: NamedTensor[] = [
          [folder.text.inputsEmbeds, allocate(toFloats(embedded, types.embeds), [rows, length, hiddenSize])],
          [folder.text.attentionMask, allocate(mask, [rows, width])],
        ];
        if (hasPositions) inputs.push([folder.text.positionIds, allocate(positions(call), [rows, length])]);
        const outputs: NamedTensor[] = [];
        const predicted = logits(wantLogits ? rows * length * vocabulary : 0);
        if (wantLogits) outputs.push([folder.text.logits, allocate(predicted, [rows, length, vocabulary])]);
        const { past, present } = slab.bind(first, rows);
        await text.run([...inputs, ...past], [...outputs, ...present]);
        return predicted;
      } finally {
        for (const tensor of tensors) tensor.release();
      }
    },
    logitsAt: (data, index) => {
      const row = toFloats(data.subarray(index * vocabulary, (index + 1) * vocabulary), 'float32');
      if (row instanceof Float32Array) return row;
      throw new TypeError('logits are converted to float32');
    },
  };
}

/**
 * Attention mask, int64 `[rows, width]`: a one for each token of a row after the run, from the left. The
 * graph derives the lengths from it, and selects the rope factors by its width, which is at least `minWidth`.
 */
function attentionMask(
  starts: readonly number[],
  length: number,
  minWidth: number,
): { mask: BigInt64Array; width: number } {
  const width = Math.max(minWidth, ...starts.map((start) => start + length));
  const mask = new BigInt64Array(starts.length * width);
  starts.forEach((start, row) => {
    mask.fill(1n, row * width, row * width + start + length);
  });
  return { mask, width };
}

function positions({ starts, length, lastPosition }: GraphRun): BigInt64Array {
  const all = starts.flatMap((start) => Array.from({ length }, (_, i) => start + i));
  if (lastPosition !== undefined) all[all.length - 1] = lastPosition;
  return BigInt64Array.from(all, BigInt);
}

/** The float types of the tensors between the graphs, which may differ. */
function floatTypes({ folder, embedding, text }: TextGraphsOptions): {
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

/** @throws ModelError `model_invalid` when a graph has no such input or output, or one of another type. */
export function floatType(infos: Graph['inputs'], name: string): FloatType {
  const type = infos.get(name)?.type;
  if (type === 'float32' || type === 'float16') return type;
  throw new ModelError(
    'model_invalid',
    `A graph of the model folder has no ${name} of type float32 or float16.`,
  );
}

/** A buffer for one kind of output that is reused and grows as needed. */
function reusableBuffer(type: FloatType): (count: number) => TensorData {
  let buffer = createTensorData(type, 0);
  return (count) => {
    if (buffer.length < count) buffer = createTensorData(type, count);
    return buffer.subarray(0, count);
  };
}
