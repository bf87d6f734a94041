/**
 * The small picture on which sampling decides: luma of at most 256 cells along the long side and both colour differences at
 * half that, as ffmpeg scales them (`yuv420p`), gathered into blocks of 4×4 cells. 55 KB stand for a frame of any size.
 */
import type { Size } from '../picture.ts';

/** Cells along the long side: enough that one digit in text of 24 of 720 lines is seen. */
const MAX_CELLS = 256;
/** Cells along the side of a block. */
const BLOCK = 4;
/** Range of luma in video levels, by which differences are made 0 to 1. */
const RANGE = 219;
/** Range of luma within a block, in levels, from which something stands there. */
const CONTENT_FROM = 20;
/** Difference, 0 to 1, from which a block shows something else. */
export const OTHER_FROM = 0.06;
/** Mean luma and spread (in levels) below which a picture shows nothing: the darkest a fade or a leader gets. */
const BLACK = { mean: 28, spread: 12 } as const;

export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
  readonly blue: Uint8Array;
  readonly red: Uint8Array;
  /** Mean luma of each block, rows of `width / 4`. */
  readonly means: Float32Array;
  /** Per block 1 where something stands, such as text or an edge, else 0. */
  readonly content: Uint8Array;
  /** Mean of the steps between neighbouring cells of luma, in levels: falls when a picture is blurred. */
  readonly sharpness: number;
  /** The picture shows nothing: it is black. */
  readonly black: boolean;
}

/** Size of the plane of frames of `size`: whole blocks, and at least four pixels to a cell where there are so many. */
export function planeSize(size: Size): Size {
  const long = Math.max(size.width, size.height);
  const scale = Math.min(MAX_CELLS, Math.max(BLOCK, Math.floor(long / 4))) / long;
  const whole = (length: number): number => Math.max(1, Math.round((length * scale) / BLOCK)) * BLOCK;
  return { width: whole(size.width), height: whole(size.height) };
}

/** Bytes of a plane in a pipe. */
export function planeBytes({ width, height }: Size): number {
  return (width * height * 3) / 2;
}

/** Reads the bytes of a `yuv420p` picture. */
export function readPlane(data: Buffer, { width, height }: Size): Plane {
  const cells = width * height;
  const luma = data.subarray(0, cells);
  const blue = data.subarray(cells, cells + cells / 4);
  const red = data.subarray(cells + cells / 4, cells + cells / 2);
  const means = new Float32Array(cells / (BLOCK * BLOCK));
  const darkest = new Uint8Array(means.length).fill(255);
  const brightest = new Uint8Array(means.length);
  const columns = width / BLOCK;
  let steps = 0;
  for (let y = 0, at = 0; y < height; y++) {
    const row = (y >> 2) * columns;
    let left = luma[at] ?? 0;
    for (let x = 0; x < width; x++, at++) {
      const cell = luma[at] ?? 0;
      const block = row + (x >> 2);
      means[block] = (means[block] ?? 0) + cell;
      if (cell < (darkest[block] ?? 0)) darkest[block] = cell;
      if (cell > (brightest[block] ?? 0)) brightest[block] = cell;
      const step = cell - left;
      steps += step < 0 ? -step : step;
      left = cell;
    }
  }
  let mean = 0;
  let most = 0;
  for (let block = 0; block < means.length; block++) {
    const value = (means[block] ?? 0) / (BLOCK * BLOCK);
    means[block] = value;
    mean += value / means.length;
    if (value > most) most = value;
  }
  const black = mean < BLACK.mean && most - mean < BLACK.spread;
  const content = brightest.map((bright, block) => (bright - (darkest[block] ?? 0) >= CONTENT_FROM ? 1 : 0));
  return { width, height, luma, blue, red, means, content, sharpness: steps / cells, black };
}

/** How each block of one plane differs from the same block of another. */
export interface Change {
  /** The most different block, 0 to 1; the measure of `difference.ts` on a plane. */
  readonly most: number;
  /** Per block, 0 to 1. */
  readonly blocks: Float32Array;
}

/**
 * Compares two planes of one size. A block is as different as the larger of its shift (change of its mean in luma or colour)
 * and its detail (mean change of its cells around that shift, less twice the median over all blocks: the picture's noise).
 * `difference.ts` says why, and what was measured.
 */
export function compare(a: Plane, b: Plane): Change {
  const columns = a.width / BLOCK;
  const blocks = new Float32Array(columns * (a.height / BLOCK));
  const details = new Float32Array(blocks.length);
  for (let block = 0; block < blocks.length; block++) {
    const left = (block % columns) * BLOCK;
    const top = Math.floor(block / columns) * BLOCK;
    const shift = (b.means[block] ?? 0) - (a.means[block] ?? 0);
    let detail = 0;
    for (let y = top; y < top + BLOCK; y++) {
      for (let at = y * a.width + left, end = at + BLOCK; at < end; at++) {
        const step = (b.luma[at] ?? 0) - (a.luma[at] ?? 0) - shift;
        detail += step < 0 ? -step : step;
      }
    }
    details[block] = detail / (BLOCK * BLOCK);
    const colour = Math.max(
      colourShift(a.blue, b.blue, a.width / 2, left / 2, top / 2),
      colourShift(a.red, b.red, a.width / 2, left / 2, top / 2),
    );
    blocks[block] = Math.max(Math.abs(shift), colour);
  }
  const noise = 2 * median(details);
  let most = 0;
  for (let block = 0; block < blocks.length; block++) {
    const value = Math.min(1, Math.max(blocks[block] ?? 0, (details[block] ?? 0) - noise) / RANGE);
    blocks[block] = value;
    if (value > most) most = value;
  }
  return { most, blocks };
}

/** Share of the blocks that show something else. */
export function changedShare({ blocks }: Change): number {
  let changed = 0;
  for (const block of blocks) if (block >= OTHER_FROM) changed++;
  return changed / blocks.length;
}

/** Share of what stands in `from` that `change`, to another plane, has replaced, 0 to 1; of an empty picture, all. */
export function replaced(from: Plane, { blocks }: Change): number {
  let content = 0;
  let gone = 0;
  let other = 0;
  for (let block = 0; block < blocks.length; block++) {
    const isOther = (blocks[block] ?? 0) >= OTHER_FROM ? 1 : 0;
    content += from.content[block] ?? 0;
    gone += (from.content[block] ?? 0) * isOther;
    other += isOther;
  }
  const few = blocks.length / 100;
  if (content < few) return other < few ? 0 : 1;
  return gone / content;
}

/** Change of the mean of the 2×2 colour cells of a block. */
function colourShift(a: Uint8Array, b: Uint8Array, width: number, left: number, top: number): number {
  const at = top * width + left;
  const below = at + width;
  const sum =
    (b[at] ?? 0) -
    (a[at] ?? 0) +
    (b[at + 1] ?? 0) -
    (a[at + 1] ?? 0) +
    (b[below] ?? 0) -
    (a[below] ?? 0) +
    (b[below + 1] ?? 0) -
    (a[below + 1] ?? 0);
  return Math.abs(sum) / 4;
}

/** The median to an eighth of a level, by counting: sorting would cost more than the comparison. */
function median(values: Float32Array): number {
  const counts = new Uint32Array(256 * 8);
  for (const value of values) {
    const bin = Math.min(counts.length - 1, Math.floor(value * 8));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let seen = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    seen += counts[bin] ?? 0;
    if (2 * seen > values.length) return bin / 8;
  }
  return 0;
}
