import { ModelError } from '../../onnx/index.ts';
import { hdTransformSize } from './hd-transform-size.ts';
import { resizeBilinear } from './resize.ts';
import type { RgbImage } from './rgb-image.ts';

/** An image after the HD transform: packed 8-bit RGB, both sides multiples of 336 pixels. */
export interface PaddedImage extends RgbImage {
  /** The limit of crops that it was made with. */
  readonly numCrops: number;
}

const WHITE = 255;

/**
 * The HD transform of `processing_phi3_v.py` (microsoft/Phi-3.5-vision-instruct) up to the 8-bit image:
 * resized, bit for bit as Pillow does, to fill the width of a grid of at most `numCrops` crops of 336×336
 * pixels, with the rest of the grid white.
 *
 * @throws ModelError `image_invalid` like `hdTransformSize`, and when the length of `data` does not match the
 * sides.
 */
export function hdTransform(image: RgbImage, numCrops: number): PaddedImage {
  const { width, height, data } = image;
  const size = hdTransformSize(width, height, numCrops);
  if (data.length !== width * height * 3) {
    throw new ModelError(
      'image_invalid',
      `An image of ${width}×${height} pixels cannot have ${data.length} bytes.`,
    );
  }
  const padded = new Uint8Array(Buffer.allocUnsafeSlow(size.width * size.height * 3).fill(WHITE).buffer);
  const stride = size.width * 3;
  resizeBilinear(image, {
    data: padded,
    stride,
    offset: size.top * (size.transposed ? 3 : stride),
    width: size.transposed ? size.resizedHeight : size.resizedWidth,
    height: size.transposed ? size.resizedWidth : size.resizedHeight,
  });
  return { data: padded, width: size.width, height: size.height, numCrops };
}
