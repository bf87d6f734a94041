/** What a part of a picture looks like, for comparing slides with frames of a film of them: its details, whatever light and size. */
import type { RgbImage } from '../images/index.ts';

/** A part of a picture, in shares of its sides. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Sums of the luma above and left of each pixel, from which any box has its mean by four look-ups. */
export interface IntegralLuma {
  readonly width: number;
  readonly height: number;
  readonly sums: Float64Array;
}

/** Cells along the sides: coarse to look everywhere, fine to tell slides of one template apart. */
export const COARSE = { columns: 32, rows: 18 } as const;
export const FINE = { columns: 96, rows: 54 } as const;
export type Cells = typeof COARSE | typeof FINE;

/** Mean change of a cell against its surroundings, in levels of 255, below which a picture has no details to go by. */
const FLAT = 0.3;
/** Cells to each side that are a cell's surroundings. */
const AROUND = 2;

/** Luma (BT.601) of a picture, summed up. */
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
 * The details of the part at `place`: each cell against its surroundings, cut at three times the usual, with mean 0 and length 1.
 * Undefined for a part without details, such as a blank slide.
 */
export function signatureOf(
  lumas: IntegralLuma,
  place: Region,
  { columns, rows }: Cells,
): Float32Array | undefined {
  const cells = new Float64Array((columns + 1) * (rows + 1)); // summed up again, for the surroundings
  const means = new Float32Array(columns * rows);
  const at = (share: number, side: number): number => Math.min(side, Math.max(0, Math.round(share * side)));
  for (let row = 0; row < rows; row++) {
    const top = at(place.y + (place.height * row) / rows, lumas.height);
    const bottom = Math.max(top + 1, at(place.y + (place.height * (row + 1)) / rows, lumas.height));
    let sum = 0;
    for (let column = 0; column < columns; column++) {
      const left = at(place.x + (place.width * column) / columns, lumas.width);
      const right = Math.max(left + 1, at(place.x + (place.width * (column + 1)) / columns, lumas.width));
      const mean =
        boxSum(lumas.sums, lumas.width + 1, left, top, right, bottom) / ((right - left) * (bottom - top));
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
  const usual = total / means.length;
  if (!(usual >= FLAT)) return undefined;
  let length = 0;
  for (let cell = 0; cell < detail.length; cell++) {
    const cut = Math.max(-3 * usual, Math.min(3 * usual, detail[cell] ?? 0));
    detail[cell] = cut;
    length += cut * cut;
  }
  const scale = 1 / Math.sqrt(length);
  for (let cell = 0; cell < detail.length; cell++) detail[cell] = (detail[cell] ?? 0) * scale;
  return detail;
}

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

/** How alike two signatures are, -1 to 1. */
export function likeness(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let cell = 0; cell < a.length; cell++) sum += (a[cell] ?? 0) * (b[cell] ?? 0);
  return sum;
}
