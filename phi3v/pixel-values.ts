import { ModelError } from './errors.ts';
import { CROP_SIDE } from './hd-size.ts';
import type { PaddedImage } from './hd-transform.ts';

/** CLIP's mean and standard deviation per channel, of values in [0, 1]. */
const MEAN = [0.48145466, 0.4578275, 0.40821073] as const;
const STD = [0.26862954, 0.26130258, 0.27577711] as const;

const PLANE = CROP_SIDE * CROP_SIDE;
const CROP = 3 * PLANE;

/** torch's coefficient of `interpolate(mode='bicubic')`. */
const A = -0.75;

/** Crops of a padded picture, without the global view. */
export function cropCount(image: PaddedImage): number {
  return (image.width / CROP_SIDE) * (image.height / CROP_SIDE);
}

/**
 * `pixel_values` of one picture, float32 `[crops + 1, 3, 336, 336]`: the global view, the crops row by row, and zeros up
 * to `crops`. Each crop given to the vision graph costs its full time, zeros included, so the default is none of them.
 *
 * @throws ModelError `image_invalid` when the picture did not come from `hdTransform` or has more than `crops` crops.
 */
export function pixelValues(image: PaddedImage, crops: number = cropCount(image)): Float32Array {
  const { width, height, data } = image;
  const used = cropCount(image);
  if (!Number.isInteger(width / CROP_SIDE) || !Number.isInteger(height / CROP_SIDE) || used < 1) {
    throw new ModelError('image_invalid', 'The sides of a padded picture must be multiples of 336.');
  }
  if (data.length !== width * height * 3 || used > crops) {
    throw new ModelError('image_invalid', 'The padded picture does not fit its size or number of crops.');
  }
  const values = new Float32Array((crops + 1) * CROP);
  for (let channel = 0; channel < 3; channel++) {
    const normalised = normalisedPlane(image, channel);
    globalView(normalised, width, height, values.subarray(channel * PLANE, (channel + 1) * PLANE));
    let crop = 1;
    for (let top = 0; top < height; top += CROP_SIDE) {
      for (let left = 0; left < width; left += CROP_SIDE) {
        const at = crop * CROP + channel * PLANE;
        for (let y = 0; y < CROP_SIDE; y++) {
          const from = (top + y) * width + left;
          values.set(normalised.subarray(from, from + CROP_SIDE), at + y * CROP_SIDE);
        }
        crop += 1;
      }
    }
  }
  return values;
}

function normalisedPlane(image: PaddedImage, channel: number): Float32Array {
  const mean = MEAN[channel] ?? 0;
  const std = STD[channel] ?? 1;
  const table = Float32Array.from({ length: 256 }, (_, byte) => (byte / 255 - mean) / std);
  const plane = new Float32Array(image.width * image.height);
  for (let i = 0; i < plane.length; i++) plane[i] = table[image.data[i * 3 + channel] ?? 0] ?? 0;
  return plane;
}

/** The input positions that make up each of the 336 output positions of one axis, and their weights. */
interface Taps {
  readonly weights: readonly number[];
  /** As many per output position as there are weights, clamped to the picture. */
  readonly positions: Int32Array;
}

function cubicTaps(inputSize: number): Taps {
  const scale = inputSize / CROP_SIDE;
  // Sides are multiples of 336, so all output positions lie alike: on a pixel, or half way between two.
  const fraction = scale % 2 === 0 ? 0.5 : 0;
  const used = [outer(1 + fraction), inner(fraction), inner(1 - fraction), outer(2 - fraction)]
    .map((weight, i) => ({ weight, offset: i - 1 }))
    .filter(({ weight }) => weight !== 0);
  const positions = new Int32Array(CROP_SIDE * used.length);
  for (let o = 0; o < CROP_SIDE; o++) {
    const base = Math.floor((o + 0.5) * scale - 0.5);
    used.forEach(({ offset }, i) => {
      positions[o * used.length + i] = Math.min(inputSize - 1, Math.max(0, base + offset));
    });
  }
  return { weights: used.map(({ weight }) => weight), positions };
}

function inner(x: number): number {
  return ((A + 2) * x - (A + 3)) * x * x + 1;
}

function outer(x: number): number {
  return ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
}

/** torch's `interpolate(mode='bicubic', align_corners=False)` of one plane to 336×336: up to 4×4 taps, no antialiasing. */
function globalView(plane: Float32Array, width: number, height: number, output: Float32Array): void {
  const columns = cubicTaps(width);
  const rows = cubicTaps(height);
  for (let y = 0; y < CROP_SIDE; y++) {
    for (let x = 0; x < CROP_SIDE; x++) {
      let sum = 0;
      for (let i = 0; i < rows.weights.length; i++) {
        const row = (rows.positions[y * rows.weights.length + i] ?? 0) * width;
        let line = 0;
        for (let j = 0; j < columns.weights.length; j++) {
          const column = columns.positions[x * columns.weights.length + j] ?? 0;
          line += (plane[row + column] ?? 0) * (columns.weights[j] ?? 0);
        }
        sum += line * (rows.weights[i] ?? 0);
      }
      output[y * CROP_SIDE + x] = sum;
    }
  }
}
