import { ModelError } from './errors.ts';
import { hdSize } from './hd-size.ts';
import { resizeBilinear } from './resize.ts';

/** A decoded picture, the right way up: packed 8-bit RGB, row after row, `width * height * 3` bytes. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A picture after the HD transform: packed 8-bit RGB, both sides multiples of 336. */
export interface PaddedImage extends RgbImage {
  /** The limit it was made for. */
  readonly numCrops: number;
}

const WHITE = 255;

/**
 * The HD transform of `processing_phi3_v.py` up to the 8-bit picture: resized to fit a grid of at most `numCrops` crops,
 * the rest of the grid white.
 *
 * @throws ModelError `image_invalid` as `hdSize`, and when `data` is not as long as the sides say.
 */
export function hdTransform(image: RgbImage, numCrops: number): PaddedImage {
  const { width, height, data } = image;
  const size = hdSize(width, height, numCrops);
  if (data.length !== width * height * 3) {
    throw new ModelError('image_invalid', `A picture of ${width}×${height} pixels has ${data.length} bytes.`);
  }
  // Transposing before and after is not the same as resizing upright: the order of the two rounding passes differs.
  const upright = size.transposed ? transpose(data, width) : data;
  const [long, short] = size.transposed ? [height, width] : [width, height];
  const resized = resizeBilinear(upright, long, short, size.resizedWidth, size.resizedHeight);

  const stride = size.resizedWidth * 3;
  const paddedHeight = size.top + size.resizedHeight + size.bottom;
  const padded = new Uint8Array(stride * paddedHeight);
  padded.fill(WHITE, 0, size.top * stride);
  padded.set(resized, size.top * stride);
  padded.fill(WHITE, (size.top + size.resizedHeight) * stride);
  return {
    data: size.transposed ? transpose(padded, size.resizedWidth) : padded,
    width: size.width,
    height: size.height,
    numCrops,
  };
}

/** Mirrors a packed RGB picture at its main diagonal. */
function transpose(data: Uint8Array, width: number): Uint8Array {
  const output = new Uint8Array(data.length);
  let at = 0;
  for (let x = 0; x < width; x++) {
    for (let from = x * 3; from < data.length; from += width * 3) {
      output[at] = data[from] ?? 0;
      output[at + 1] = data[from + 1] ?? 0;
      output[at + 2] = data[from + 2] ?? 0;
      at += 3;
    }
  }
  return output;
}
