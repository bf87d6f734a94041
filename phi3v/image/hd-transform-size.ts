import { ModelError } from '../../onnx/index.ts';

/** Side of a crop in pixels: the input size of the CLIP ViT-L/14-336 image encoder. */
export const CROP_SIDE = 336;

/** Tokens of one crop: 24×24 patches, merged 2×2. */
const TOKENS_PER_CROP = 144;
const ROWS_PER_CROP = 12;

/** What the HD transform does to a picture of a given size. All in pixels. */
export interface HdTransformSize {
  /** The picture is transposed before and after, because it is higher than wide. */
  readonly transposed: boolean;
  /** Size after resizing, of the picture as transposed: the width is a multiple of 336. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  /** White rows above and below the resized picture. */
  readonly top: number;
  readonly bottom: number;
  /** Size of the result, the right way up: multiples of 336. */
  readonly width: number;
  readonly height: number;
}

/**
 * Sizes of the HD transform of `processing_phi3_v.py` (microsoft/Phi-3.5-vision-instruct): the widest grid of at most
 * `numCrops` crops in which the picture keeps its shape.
 *
 * @throws ModelError `image_invalid` when a side or `numCrops` is no positive integer, or when the picture is so
 * elongated that nothing of its short side would be left.
 */
export function hdTransformSize(width: number, height: number, numCrops: number): HdTransformSize {
  for (const n of [width, height, numCrops]) {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new ModelError(
        'image_invalid',
        'Picture sides and the number of crops must be positive integers.',
      );
    }
  }
  const transposed = width < height;
  const ratio = transposed ? height / width : width / height;
  let columns = 1;
  while (columns * Math.ceil(columns / ratio) <= numCrops) columns += 1;
  columns -= 1;
  const resizedWidth = columns * CROP_SIDE;
  const resizedHeight = Math.trunc(resizedWidth / ratio);
  if (resizedHeight === 0) {
    throw new ModelError('image_invalid', `A picture of ${width}×${height} pixels is too elongated.`);
  }
  const padded = Math.ceil(resizedHeight / CROP_SIDE) * CROP_SIDE;
  const top = Math.trunc((padded - resizedHeight) / 2);
  return {
    transposed,
    resizedWidth,
    resizedHeight,
    top,
    bottom: padded - resizedHeight - top,
    width: transposed ? padded : resizedWidth,
    height: transposed ? resizedWidth : padded,
  };
}

/**
 * Tokens a picture takes in the prompt: its crops and the whole, each row ended by a separator, one separator between.
 * `height` and `width` are those after the HD transform.
 */
export function countImageTokens(height: number, width: number): number {
  const rows = height / CROP_SIDE;
  const columns = width / CROP_SIDE;
  return (rows * columns + 1) * TOKENS_PER_CROP + 1 + (rows + 1) * ROWS_PER_CROP;
}
