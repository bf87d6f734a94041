import { ModelError } from '../../onnx/index.ts';

/** Side of a crop in pixels: the input size of the image encoder, CLIP ViT-L/14-336. */
export const CROP_SIDE = 336;

/** 24×24 patches of 14 pixels, merged 2×2. */
const TOKENS_PER_CROP = 144;
const TOKEN_ROWS_PER_CROP = 12;

/** What the HD transform does to an image of a given size. All lengths are in pixels. */
export interface HdTransformSize {
  /** Whether the image is transposed before and after, because it is higher than wide. */
  readonly transposed: boolean;
  /** Size of the (transposed) image after resizing. The width is a multiple of 336. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  /** White rows above and below the resized image. */
  readonly top: number;
  readonly bottom: number;
  /** Size of the result, no longer transposed: multiples of 336. */
  readonly width: number;
  readonly height: number;
}

/**
 * Sizes of the HD transform of `processing_phi3_v.py` (microsoft/Phi-3.5-vision-instruct): the widest grid of
 * at most `numCrops` crops that the image fits in without changing its aspect ratio.
 *
 * @throws ModelError `image_invalid` when a side or `numCrops` is not a positive integer, or when the image
 * is so elongated that its short side would become 0.
 */
export function hdTransformSize(width: number, height: number, numCrops: number): HdTransformSize {
  for (const n of [width, height, numCrops]) {
    if (!Number.isSafeInteger(n) || n < 1) {
      throw new ModelError('image_invalid', 'Image sides and the number of crops must be positive integers.');
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
    throw new ModelError('image_invalid', `An image of ${width}×${height} pixels is too elongated.`);
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
 * Number of tokens of an image in the prompt: its crops and the global view, a separator after each row of
 * tokens, and one separator between the two.
 *
 * @param height in pixels after the HD transform, a multiple of 336; so is `width`.
 */
export function countImageTokens(height: number, width: number): number {
  const rows = height / CROP_SIDE;
  const columns = width / CROP_SIDE;
  return (rows * columns + 1) * TOKENS_PER_CROP + 1 + (rows + 1) * TOKEN_ROWS_PER_CROP;
}
