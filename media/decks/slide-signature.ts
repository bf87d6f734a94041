/**
 * The signature of a region of an image, by which slides are compared with frames: its details, independent
 * of light and size.
 */
import type { RgbImage } from '../images/index.ts';

/** A region of an image, as fractions of its sides. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * An integral image (summed-area table) of luma: sums above and to the left of each pixel, with a row and a
 * column of zeros. It gives the mean of any box with four look-ups.
 */
export interface IntegralLuma {
  readonly width: number;
  readonly height: number;
  readonly sums: Float64Array;
}

/** Cells along the sides: coarse to search everywhere, fine to distinguish slides of one template. */
export const COARSE = { columns: 32, rows: 18 } as const;
export const FINE = { columns: 96, rows: 54 } as const;
export type Cells = typeof COARSE | typeof FINE;

/**
 * Mean change of a cell against its surroundings, in levels of 255, below which an image has no usable
 * details.
 */
const FLAT = 0.3;
/** Cells to each side that are the surroundings of a cell. */
const AROUND = 2;

/**
 * Returns the integral image of the luma (BT.601, 0 to 255) of an image. Compute it
 * once for a slide that is compared with many frames.
 */
export function integralLuma({ data, width, height }: RgbImage): IntegralLuma {
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0, at = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++, at += 3) {
      row += 0.299 * (data[at] ?? 0) + 0.587 * (data[at + 1] ?? 0) + 0.114 * (data[at + 2] ?? 0);
      const here = (y + 1) * (width + 1) + x + 1;
      sums[here] = (sums[here - width - 1] ?? 0) + row;
    }
  }
  return { width, height, sums };
}

/**
 * Returns the details of a region: each cell relative to its surroundings, clipped at three times the mean,
 * as a vector of length 1. Undefined for a region without details, such as a blank slide.
 */
export function signatureOf(
  luma: IntegralLuma,
  region: Region,
  { columns, rows }: Cells,
): Float32Array | undefined {
  // An integral image of the cells, for the surroundings.
  const cells = new Float64Array((columns + 1) * (rows + 1));
  const means = new Float32Array(columns * rows);
  const at = (share: number, side: number): number => Math.min(side, Math.max(0, Math.round(share * side)));
  for (let row = 0; row < rows; row++) {
    const top = at(region.y + (region.height * row) / rows, luma.height);
    const bottom = Math.max(top + 1, at(region.y + (region.height * (row + 1)) / rows, luma.height));
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const left = at(region.x + (region.width * column) / columns, luma.width);
      const right = Math.max(left + 1, at(region.x + (region.width * (column + 1)) / columns, luma.width));
      const mean =
        boxSum(luma.sums, luma.width + 1, left, top, right, bottom) / ((right - left) * (bottom - top));
      means[row * columns + column] = mean;
      sum += mean;
      const here = (row + 1) * (columns + 1) + column + 1;
      cells[here] = (cells[here - columns - 1] ?? 0) + sum;
    }
  }
  return details(means, cells, columns, rows);
}

function details(
  means: Float32Array,
  sums: Float64Array,
  columns: number,
  rows: number,
): Float32Array | undefined {
  const detail = new Float32Array(means.length);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [Math.max(0, row - AROUND), Math.min(rows, row + AROUND + 1)];
    for (let column = 0; column < columns; column++) {
      const [left, right] = [Math.max(0, column - AROUND), Math.min(columns, column + AROUND + 1)];
      const around = boxSum(sums, columns + 1, left, top, right, bottom) / ((right - left) * (bottom - top));
      const change = (means[row * columns + column] ?? 0) - around;
      detail[row * columns + column] = change;
      total += Math.abs(change);
    }
  }
  const meanDetail = total / means.length;
  if (!(meanDetail >= FLAT)) return undefined;
  let length = 0;
  for (let cell = 0; cell < detail.length; cell++) {
    const clipped = Math.max(-3 * meanDetail, Math.min(3 * meanDetail, detail[cell] ?? 0));
    detail[cell] = clipped;
    length += clipped * clipped;
  }
  const scale = 1 / Math.sqrt(length);
  for (let cell = 0; cell < detail.length; cell++) detail[cell] = (detail[cell] ?? 0) * scale;
  return detail;
}

/** Positional parameters: this runs for every cell of every region. */
function boxSum(
  sums: Float64Array,
  stride: number,
  left: number,
  top: number,
  right: number,
  bottom: number,
): number {
  return (
    (sums[bottom * stride + right] ?? 0) -
    (sums[top * stride + right] ?? 0) -
    (sums[bottom * stride + left] ?? 0) +
    (sums[top * stride + left] ?? 0)
  );
}

/** Returns the similarity of two signatures, -1 to 1. */
export function similarity(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let cell = 0; cell < a.length; cell++) sum += (a[cell] ?? 0) * (b[cell] ?? 0);
  return sum;
}
