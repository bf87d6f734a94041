/**
 * How much of an image is new rather than moved: the share of its regions with content that no region nearby
 * in the other image explains. Near 0 for a panning camera or a nodding head, near 1 for another shot or
 * slide.
 *
 * A region that only changes its colour is new as well.
 *
 * Works on the block sums of a plane (64×36 for 16:9), in regions of 4×4 blocks. A region may have moved by
 * up to 5 blocks each way, about 150 of 1920 pixels.
 */
import type { Plane, RegionStats } from './plane.ts';

/** Blocks along the side of a region. */
const REGION = 4;
/** Blocks that a region may have moved. */
const REACH = 5;
/** Mean change in levels below which a region has not changed: noise. */
const STILL = 4;
/** Mean deviation in levels from which a region has content. */
const CONTENT = 2.5;
/** Share of its own contrast by which a region may differ after its motion is undone. */
const MAX_RESIDUAL_SHARE = 0.45;
/**
 * Change of a mean colour difference, in levels, from which a region of the same brightness shows something
 * else.
 */
const COLOUR = 13;
/** Cells in a block: blocks are sums of so many lumas. */
const CELLS = 16;

/** A region of a plane, in blocks; regions at the right and bottom edge may be smaller. */
interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Motion of the last region that was found, in blocks: neighbouring regions mostly move alike. */
interface Motion {
  right: number;
  down: number;
}

/** The larger of the share of `b` that is new and the share of `a` that is gone, 0 to 1. */
export function newContentShare(a: Plane, b: Plane): number {
  if (a === b) return 0;
  const columns = b.width / 4;
  const rows = b.height / 4;
  const [statsA, statsB] = [statsOf(a), statsOf(b)];
  const [forward, backward]: [Motion, Motion] = [
    { right: 0, down: 0 },
    { right: 0, down: 0 },
  ];
  let content = 0;
  let added = 0;
  let removed = 0;
  for (let top = 0, index = 0; top < rows; top += REGION) {
    for (let left = 0; left < columns; left += REGION, index++) {
      const height = Math.min(REGION, rows - top);
      const width = Math.min(REGION, columns - left);
      const contrast = Math.max(statsA.contrasts[index] ?? 0, statsB.contrasts[index] ?? 0);
      const block = top * columns + left;
      const change = residual(a.sums, b.sums, columns, block, block, width, height, 1e9);
      const allowed = MAX_RESIDUAL_SHARE * contrast + STILL / 2;
      const staysBright = change <= STILL || change <= allowed;
      if (staysBright && isRecoloured(statsA, statsB, index)) {
        content++;
        added++;
        removed++;
        continue;
      }
      if (contrast < CONTENT && change < 2 * STILL) continue;
      content++;
      if (staysBright) continue;
      const region = { left, top, width, height };
      if (!isFoundNearby(a, b, region, allowed, forward)) added++;
      if (!isFoundNearby(b, a, region, allowed, backward)) removed++;
    }
  }
  return content === 0 ? 0 : Math.max(added, removed) / content;
}

/** Whether a region has another colour. */
function isRecoloured(a: RegionStats, b: RegionStats, index: number): boolean {
  const blue = (a.blues[index] ?? 0) - (b.blues[index] ?? 0);
  const red = (a.reds[index] ?? 0) - (b.reds[index] ?? 0);
  return blue > COLOUR || -blue > COLOUR || red > COLOUR || -red > COLOUR;
}

/**
 * Whether a region of `to` is found nearby in `from`, with a residual of at most `allowed` levels. Tries
 * first the motion of the last region that was found, and updates it. Five parameters: all of them change
 * from call to call.
 */
function isFoundNearby(from: Plane, to: Plane, region: Region, allowed: number, motion: Motion): boolean {
  const { left, top, width, height } = region;
  const columns = to.width / 4;
  const rows = to.height / 4;
  const block = top * columns + left;
  const [x0, x1] = [Math.max(0, left - REACH), Math.min(columns - width, left + REACH)];
  const [y0, y1] = [Math.max(0, top - REACH), Math.min(rows - height, top + REACH)];
  const likelyX = Math.min(x1, Math.max(x0, left + motion.right));
  const likelyY = Math.min(y1, Math.max(y0, top + motion.down));
  const likely = likelyY * columns + likelyX;
  if (residual(from.sums, to.sums, columns, likely, block, width, height, allowed) <= allowed) return true;
  // Regions whose sums differ by more than this differ by more than `allowed`; sums of cut regions are not
  // known.
  const isWhole = width === REGION && height === REGION;
  const limit = isWhole ? allowed * REGION * REGION * CELLS : Number.POSITIVE_INFINITY;
  const { sums: fromSums } = statsOf(from);
  const sum = statsOf(to).sums[block] ?? 0;
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const candidate = y * columns + x;
      const apart = (fromSums[candidate] ?? 0) - sum;
      if (apart > limit || -apart > limit) continue;
      if (residual(from.sums, to.sums, columns, candidate, block, width, height, allowed) > allowed) continue;
      motion.right = x - left;
      motion.down = y - top;
      return true;
    }
  }
  return false;
}

/**
 * Mean absolute difference, in levels, of the regions that begin at blocks `a` and `b`; stops early once it
 * is above `allowed`. Positional parameters: this runs thousands of times per candidate.
 */
function residual(
  from: Int32Array,
  to: Int32Array,
  columns: number,
  a: number,
  b: number,
  width: number,
  height: number,
  allowed: number,
): number {
  const limit = allowed * width * height * CELLS;
  let sum = 0;
  for (let row = 0, there = a, here = b; row < height; row++, there += columns, here += columns) {
    for (let column = 0; column < width; column++) {
      const step = (to[here + column] ?? 0) - (from[there + column] ?? 0);
      sum += step < 0 ? -step : step;
    }
    if (sum > limit) break;
  }
  return sum / CELLS / (width * height);
}

/** Computed once per plane, when it is first compared. */
function statsOf(plane: Plane): RegionStats {
  plane.regions ??= computeStats(plane);
  return plane.regions;
}

function computeStats({ sums: blocks, width, height, blue, red }: Plane): RegionStats {
  const [columns, rows] = [width / 4, height / 4];
  const contrasts = new Float64Array(Math.ceil(columns / REGION) * Math.ceil(rows / REGION));
  const blues = new Float64Array(contrasts.length);
  const reds = new Float64Array(contrasts.length);
  for (let top = 0, index = 0; top < rows; top += REGION) {
    for (let left = 0; left < columns; left += REGION, index++) {
      const region = {
        left,
        top,
        width: Math.min(REGION, columns - left),
        height: Math.min(REGION, rows - top),
      };
      contrasts[index] = meanDeviation(blocks, columns, region);
      blues[index] = meanColour(blue, width / 2, region);
      reds[index] = meanColour(red, width / 2, region);
    }
  }
  const sums = new Int32Array(blocks.length);
  for (let y = 0; y + REGION <= rows; y++) {
    for (let x = 0; x + REGION <= columns; x++) {
      let sum = 0;
      for (let row = (y * columns + x) | 0, end = row + REGION * columns; row < end; row += columns) {
        sum += (blocks[row] ?? 0) + (blocks[row + 1] ?? 0) + (blocks[row + 2] ?? 0) + (blocks[row + 3] ?? 0);
      }
      sums[y * columns + x] = sum;
    }
  }
  return { contrasts, blues, reds, sums };
}

/** Mean of a colour difference, of which a block has 2×2 cells. */
function meanColour(cells: Uint8Array, columns: number, { left, top, width, height }: Region): number {
  let sum = 0;
  for (let y = 2 * top; y < 2 * (top + height); y++) {
    for (let at = y * columns + 2 * left, end = at + 2 * width; at < end; at++) sum += cells[at] ?? 0;
  }
  return sum / (4 * width * height);
}

function meanDeviation(blocks: Int32Array, columns: number, { left, top, width, height }: Region): number {
  let mean = 0;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) mean += (blocks[y * columns + x] ?? 0) / CELLS;
  }
  mean /= width * height;
  let sum = 0;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      sum += Math.abs((blocks[y * columns + x] ?? 0) / CELLS - mean);
    }
  }
  return sum / (width * height);
}

/**
 * How well `mid` is the mixture of `a` and `b`, 0 to 1: 1 for the middle of a dissolve or a fade, near 0 for
 * a cut, a wipe or motion. Only blocks that differ between the ends count.
 */
export function mixtureFit(a: Plane, mid: Plane, b: Plane): number {
  if (a === b) return 0;
  let apart = 0;
  let off = 0;
  for (let block = 0; block < a.sums.length; block++) {
    const from = (a.sums[block] ?? 0) / CELLS;
    const to = (b.sums[block] ?? 0) / CELLS;
    const change = Math.abs(to - from);
    if (change < 2 * STILL) continue;
    apart += change / 2;
    off += Math.min(change / 2, Math.abs((mid.sums[block] ?? 0) / CELLS - (from + to) / 2));
  }
  return apart === 0 ? 0 : 1 - off / apart;
}
