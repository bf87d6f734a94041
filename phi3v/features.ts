import { ModelError } from './errors.ts';

/** What the vision graph makes of one picture: float32 `[tokens, hiddenSize]`, row after row. */
export interface ImageFeatures {
  readonly data: Float32Array;
  readonly tokens: number;
  readonly hiddenSize: number;
}

/** @throws ModelError `prompt_invalid` when the features are not those of a model of that hidden size. */
export function checkFeatures(features: readonly ImageFeatures[], hiddenSize: number): void {
  features.forEach((image, index) => {
    if (image.hiddenSize !== hiddenSize || image.data.length !== image.tokens * hiddenSize) {
      throw new ModelError('prompt_invalid', `The features of image ${index + 1} are not of this model.`);
    }
  });
}

/** Gives the rows of all images one after another, `count` at a time, copying only where a request spans two images. */
export function featureReader(features: readonly ImageFeatures[]): (count: number) => Float32Array {
  let image = 0;
  let row = 0;
  return (count) => {
    const pieces: Float32Array[] = [];
    for (let wanted = count; wanted > 0; ) {
      const from = features[image];
      if (from === undefined)
        throw new ModelError('prompt_invalid', 'The prompt has more image slots than features.');
      const rows = Math.min(wanted, from.tokens - row);
      if (rows > 0) pieces.push(from.data.subarray(row * from.hiddenSize, (row + rows) * from.hiddenSize));
      wanted -= rows;
      row += rows;
      if (row === from.tokens) {
        image += 1;
        row = 0;
      }
    }
    return concatenate(pieces);
  };
}

function concatenate(pieces: readonly Float32Array[]): Float32Array {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const all = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
