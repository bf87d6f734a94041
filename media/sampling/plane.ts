/**
 * The reduced image on which sampling decisions depend: luma of at most 256 cells along the long side and
 * both colour differences at half that, as ffmpeg scales them (`yuv420p`), in blocks of 4×4 cells. A frame of
 * any size takes 55 KB.
 */
import type { Size } from '../images/index.ts';

/** Cells along the long side: enough to detect one digit in text of 24 of 720 lines. */
const MAX_CELLS = 256;
/** Cells along the side of a block. */
const BLOCK = 4;
/** Fractions of a level in which the detail of a block is counted: 16 cells, each against a mean of 16. */
const FRACTIONS = BLOCK ** 4;
/** Range of luma in video levels, which scales differences to 0 to 1. */
const RANGE = 219;
/** Range of luma within a block, in levels, from which the block has content. */
const CONTENT_FROM = 20;
/** Difference, 0 to 1, from which a block shows different content. */
export const CHANGED_BLOCK_MIN = 0.06;
/** Mean luma and spread, in levels, below which an image is black: the darkest part of a fade or a leader. */
const BLACK = { mean: 28, spread: 12 } as const;

/** Statistics of the regions of 4×4 blocks of a plane. */
export interface RegionStats {
  /** Mean deviation, in levels, of the blocks of each region; regions tile the plane. */
  readonly contrasts: Float64Array;
  /** Mean of either colour difference, in levels, of each region. */
  readonly blues: Float64Array;
  readonly reds: Float64Array;
  /** Sum of the blocks of the region that begins at each block; 0 where it does not fit. */
  readonly sums: Int32Array;
}

export interface Plane {
  readonly width: number;
  readonly height: number;
  readonly luma: Uint8Array;
  readonly blue: Uint8Array;
  readonly red: Uint8Array;
  /**
   * Sum of the 16 lumas of each block, rows of `width / 4`: whole numbers, so that sums are exact in any
   * order.
   */
  readonly sums: Int32Array;
  /** Cache of new-content.ts. */
  regions?: RegionStats;
  /** Per block 1 where it has content, such as text or an edge, else 0. */
  readonly content: Uint8Array;
  /** Mean of the steps between neighbouring cells of luma, in levels: falls when an image is blurred. */
  readonly sharpness: number;
  /** Mean luma in levels. */
  readonly mean: number;
  /** The image is black. */
  readonly black: boolean;
}

/**
 * Size of the plane of frames of `size`: whole blocks, and at least four pixels to a cell where there are so
 * many.
 */
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

/** Reads the bytes of a `yuv420p` image and computes the statistics of its blocks. */
export function readPlane(data: Buffer, { width, height }: Size): Plane {
  const cells = width * height;
  const luma = data.subarray(0, cells);
  const blue = data.subarray(cells, cells + cells / 4);
  const red = data.subarray(cells + cells / 4, cells + cells / 2);
  const sums = new Int32Array(cells / (BLOCK * BLOCK));
  const content = new Uint8Array(sums.length);
  let steps = 0;
  for (let block = 0, top = 0; top < cells; top += BLOCK * width) {
    for (let left = top; left < top + width; left += BLOCK, block++) {
      let sum = 0;
      let darkest = 255;
      let brightest = 0;
      for (let row = left; row < left + BLOCK * width; row += width) {
        let before = luma[left === top ? row : row - 1] ?? 0;
        for (let at = row; at < row + BLOCK; at++) {
          const cell = luma[at] ?? 0;
          sum += cell;
          if (cell < darkest) darkest = cell;
          if (cell > brightest) brightest = cell;
          const step = cell - before;
          steps += step < 0 ? -step : step;
          before = cell;
        }
      }
      sums[block] = sum;
      content[block] = brightest - darkest >= CONTENT_FROM ? 1 : 0;
    }
  }
  let total = 0;
  let most = 0;
  for (const sum of sums) {
    total += sum;
    if (sum > most) most = sum;
  }
  const mean = total / cells;
  const black = mean < BLACK.mean && most / (BLOCK * BLOCK) - mean < BLACK.spread;
  return { width, height, luma, blue, red, sums, content, sharpness: steps / cells, mean, black };
}

/** How the blocks of one plane differ from those of another. */
export interface Change {
  /** Difference of the most different block, 0 to 1: the measure of `difference.ts` on a plane. */
  readonly max: number;
  /** Per block, 0 to 1. */
  readonly blocks: Float32Array;
}

/**
 * Compares two planes of one size. The difference of a block is the larger of its shift (change of its mean
 * in luma or colour) and its detail (mean change of its cells around that shift, less twice the median over
 * all blocks: the noise of the image). `difference.ts` has the reasons and measurements.
 */
export function comparePlanes(a: Plane, b: Plane): Change {
  const { width } = a;
  const blocks = new Float32Array(a.sums.length);
  if (a === b) return { max: 0, blocks };
  const details = new Int32Array(blocks.length); // 256ths of a level
  for (let block = 0, top = 0; block < blocks.length; top += BLOCK) {
    for (let left = 0; left < width; left += BLOCK, block++) {
      const shift = (b.sums[block] ?? 0) - (a.sums[block] ?? 0);
      details[block] = detailOf(a.luma, b.luma, width, top * width + left, shift);
      const colour = (top * width) / 4 + left / 2;
      blocks[block] = Math.max(
        Math.abs(shift) / (BLOCK * BLOCK),
        colourShift(a.blue, b.blue, width / 2, colour),
        colourShift(a.red, b.red, width / 2, colour),
      );
    }
  }
  const noise = 2 * median(details);
  let max = 0;
  for (let block = 0; block < blocks.length; block++) {
    const detail = (details[block] ?? 0) / FRACTIONS - noise;
    const value = Math.min(1, Math.max(blocks[block] ?? 0, detail) / RANGE);
    blocks[block] = value;
    if (value > max) max = value;
  }
  return { max, blocks };
}

/**
 * Mean change, in 256ths, of the cells of the block at `from` around the change of its sum, `shift`.
 * Positional parameters: this runs for every block.
 */
function detailOf(a: Uint8Array, b: Uint8Array, width: number, from: number, shift: number): number {
  let detail = 0;
  for (let row = from; row < from + BLOCK * width; row += width) {
    for (let at = row; at < row + BLOCK; at++) {
      const step = ((b[at] ?? 0) - (a[at] ?? 0)) * BLOCK * BLOCK - shift;
      detail += step < 0 ? -step : step;
    }
  }
  return detail;
}

/** Share of the blocks that show different content, 0 to 1. */
export function changedShare({ blocks }: Change): number {
  let changed = 0;
  for (const block of blocks) if (block >= CHANGED_BLOCK_MIN) changed++;
  return changed / blocks.length;
}

/**
 * Share of the content of `from` that `change`, to another plane, has replaced, 0 to 1; 1 for an empty image.
 */
export function replacedShare(from: Plane, { blocks }: Change): number {
  let content = 0;
  let gone = 0;
  let other = 0;
  for (let block = 0; block < blocks.length; block++) {
    const isOther = (blocks[block] ?? 0) >= CHANGED_BLOCK_MIN ? 1 : 0;
    content += from.content[block] ?? 0;
    gone += (from.content[block] ?? 0) * isOther;
    other += isOther;
  }
  const few = blocks.length / 100;
  if (content < few) return other < few ? 0 : 1;
  return gone / content;
}

/** Change of the mean of the 2×2 colour cells of the block at `at`. */
function colourShift(a: Uint8Array, b: Uint8Array, width: number, at: number): number {
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
  return (sum < 0 ? -sum : sum) / 4;
}

/**
 * The median, in levels, of values in 256ths, to an eighth, by counting: sorting would cost more than the
 * comparison.
 */
function median(values: Int32Array): number {
  const counts = new Uint32Array(256 * 8);
  for (const value of values) {
    const bin = Math.min(counts.length - 1, Math.floor(value / (FRACTIONS / 8)));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let seen = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    seen += counts[bin] ?? 0;
    if (2 * seen > values.length) return bin / 8;
  }
  return 0;
}
