import { type FloatData, ModelError, toFloats } from '../../onnx/index.ts';

/**
 * Output of the vision graph for one image: `[tokens, hiddenSize]`, row by row, in the float type of the
 * graph.
 */
export interface ImageFeatures {
  readonly data: FloatData;
  readonly tokens: number;
  readonly hiddenSize: number;
}

/**
 * Rows `first` to `first + count` of the concatenated features of all images. A view where they belong to one
 * image, else a copy.
 *
 * @throws ModelError `prompt_invalid` when there are fewer rows.
 */
export function sliceFeatures(features: readonly ImageFeatures[], first: number, count: number): FloatData {
  const slices: FloatData[] = [];
  let skip = first;
  let missing = count;
  for (const { data, tokens, hiddenSize } of features) {
    const from = Math.min(skip, tokens);
    const rows = Math.min(missing, tokens - from);
    if (rows > 0) slices.push(data.subarray(from * hiddenSize, (from + rows) * hiddenSize));
    skip -= from;
    missing -= rows;
  }
  if (missing > 0) throw new ModelError('prompt_invalid', 'The prompt has more image slots than features.');
  return concatenate(slices);
}

function concatenate(slices: readonly FloatData[]): FloatData {
  const [first] = slices;
  if (first === undefined) return new Float32Array(0);
  if (slices.length === 1) return first;
  const length = slices.reduce((sum, slice) => sum + slice.length, 0);
  const result = first instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length);
  let offset = 0;
  for (const slice of slices) {
    result.set(toFloats(slice, first instanceof Float32Array ? 'float32' : 'float16'), offset);
    offset += slice.length;
  }
  return result;
}
