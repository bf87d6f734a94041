import { type FloatData, ModelError, toFloats } from '../../onnx/index.ts';

/** What the vision graph makes of one picture: `[tokens, hiddenSize]`, row after row, in the graph's own float type. */
export interface ImageFeatures {
  readonly data: FloatData;
  readonly tokens: number;
  readonly hiddenSize: number;
}

/**
 * Rows `first` to `first + count` of the features of all images one after another, copied only where they span two images.
 *
 * @throws ModelError `prompt_invalid` when there are not so many.
 */
export function sliceFeatures(features: readonly ImageFeatures[], first: number, count: number): FloatData {
  const pieces: FloatData[] = [];
  let skip = first;
  let wanted = count;
  for (const { data, tokens, hiddenSize } of features) {
    const from = Math.min(skip, tokens);
    const rows = Math.min(wanted, tokens - from);
    if (rows > 0) pieces.push(data.subarray(from * hiddenSize, (from + rows) * hiddenSize));
    skip -= from;
    wanted -= rows;
  }
  if (wanted > 0) throw new ModelError('prompt_invalid', 'The prompt has more image slots than features.');
  return concatenate(pieces);
}

function concatenate(pieces: readonly FloatData[]): FloatData {
  const [first] = pieces;
  if (first === undefined) return new Float32Array(0);
  if (pieces.length === 1) return first;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const all = first instanceof Float32Array ? new Float32Array(length) : new Uint16Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(toFloats(piece, first instanceof Float32Array ? 'float32' : 'float16'), at);
    at += piece.length;
  }
  return all;
}
