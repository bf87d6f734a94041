/**
 * How different two images look, designed for slides and screens: the measure is the most changed block, not
 * the average. One new line of text or one small moving thing is detected, while coding noise and film grain
 * are not.
 *
 * Both images are reduced to cells (box means of at least 4×4 pixels, at most 256 along the long side) of
 * luma and the two colour differences (BT.601), and cells are gathered into blocks of 4×4. The difference of
 * a block is the larger of
 *  - its shift: the change of its mean, in luma or colour. It detects fades and things that move or change
 *    colour.
 *  - its detail: the mean absolute change of its luma cells around that shift, minus twice the median over
 *    all blocks, which is the noise of the image. It detects text that changes while the amount of ink stays
 *    about the same. The result is the most different block, 0 to 1.
 */
import { fitWithin, type RgbImage } from '../images/index.ts';

/**
 * From this difference on an image is no longer a duplicate. Measured on 1280×720 H.264 with a keyframe every
 * second: a still slide full of text changes by at most 0.011, 0.014 and 0.022 at CRF 23, 30 and 36, with
 * film grain of ±20 levels by 0.012, 0.017 and 0.023; one digit changed in text of 24 pixels gives 0.034, a
 * dot of 16 pixels that moves 0.14, one of 30 pixels that changes its hue alone 0.29. A digit in text of 14
 * pixels gives 0.017 and counts as a duplicate.
 */
export const DUPLICATE_BELOW = 0.025;

const MAX_CELLS = 256;
const BLOCK = 4;

/** An image reduced to what `difference` compares: three planes of `width × height` cells. */
export interface Thumbnail {
  readonly width: number;
  readonly height: number;
  readonly planes: readonly [luma: Float32Array, blue: Float32Array, red: Float32Array];
}

/** Reduces an image to its cells. */
export function createThumbnail(image: RgbImage): Thumbnail {
  const long = Math.max(image.width, image.height);
  const { width, height } = fitWithin(image, Math.max(1, Math.min(MAX_CELLS, Math.floor(long / 4))));
  const cells = width * height;
  const red = new Float32Array(cells);
  const green = new Float32Array(cells);
  const blue = new Float32Array(cells);
  const column = Uint32Array.from({ length: image.width }, (_, x) => Math.floor((x * width) / image.width));
  const counts = new Uint32Array(cells);
  const { data } = image;
  for (let y = 0, at = 0; y < image.height; y++) {
    const row = Math.floor((y * height) / image.height) * width;
    for (let x = 0; x < image.width; x++, at += 3) {
      const cell = row + (column[x] ?? 0);
      red[cell] = (red[cell] ?? 0) + (data[at] ?? 0);
      green[cell] = (green[cell] ?? 0) + (data[at + 1] ?? 0);
      blue[cell] = (blue[cell] ?? 0) + (data[at + 2] ?? 0);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  for (let cell = 0; cell < cells; cell++) {
    const count = counts[cell] || 1;
    const r = (red[cell] ?? 0) / count;
    const g = (green[cell] ?? 0) / count;
    const b = (blue[cell] ?? 0) / count;
    const luma = 0.299 * r + 0.587 * g + 0.114 * b;
    green[cell] = luma;
    blue[cell] = 0.564 * (b - luma);
    red[cell] = 0.713 * (r - luma);
  }
  return { width, height, planes: [green, blue, red] };
}

/** The difference of two images, 0 to 1; 1 for images of different size. */
export function difference(a: Thumbnail, b: Thumbnail): number {
  if (a.width !== b.width || a.height !== b.height) return 1;
  const shifts: number[] = [];
  const details: number[] = [];
  for (let top = 0; top < a.height; top += BLOCK) {
    for (let left = 0; left < a.width; left += BLOCK) {
      const cells = blockCells(a, left, top);
      const [luma, ...colours] = a.planes.map((plane, p) => meanChange(plane, b.planes[p] ?? plane, cells));
      shifts.push(Math.max(Math.abs(luma ?? 0), ...colours.map(Math.abs)));
      details.push(detailChange(a.planes[0], b.planes[0], cells, luma ?? 0));
    }
  }
  const noise = 2 * (details.toSorted((x, y) => x - y)[details.length >> 1] ?? 0);
  let max = 0;
  for (let i = 0; i < shifts.length; i++) max = Math.max(max, shifts[i] ?? 0, (details[i] ?? 0) - noise);
  return Math.min(1, max / 255);
}

function blockCells(of: Thumbnail, left: number, top: number): number[] {
  const cells: number[] = [];
  for (let y = top; y < Math.min(top + BLOCK, of.height); y++) {
    for (let x = left; x < Math.min(left + BLOCK, of.width); x++) cells.push(y * of.width + x);
  }
  return cells;
}

function meanChange(a: Float32Array, b: Float32Array, cells: readonly number[]): number {
  let sum = 0;
  for (const cell of cells) sum += (b[cell] ?? 0) - (a[cell] ?? 0);
  return sum / cells.length;
}

function detailChange(a: Float32Array, b: Float32Array, cells: readonly number[], shift: number): number {
  let sum = 0;
  for (const cell of cells) sum += Math.abs((b[cell] ?? 0) - (a[cell] ?? 0) - shift);
  return sum / cells.length;
}
