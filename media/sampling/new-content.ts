/**
 * How much of a picture is new, and not the old one moved: the share of its places with something on them that no place
 * nearby in the other picture explains. Near 0 for a camera that pans and a head that nods, near 1 for another shot or slide.
 *
 * Works on the block means of a plane (64×36 for 16:9), in places of 4×4 of them; a place may have moved by up to 5 means
 * each way, some 150 of 1920 pixels.
 */
import type { Plane, RegionStats } from './plane.ts';

const PLACE = 4;
const REACH = 5;
/** Mean change in levels below which a place has not changed: noise. */
const STILL = 4;
/** Mean deviation in levels from which a place has something on it. */
const CONTENT = 2.5;
/** Share of its own contrast that may remain of a place after it was moved back. */
const REMAINS = 0.45;

/** Blocks are sums of so many lumas. */
const CELLS = 16;

/** The larger of what is new in `b` and what is gone from `a`, 0 to 1. */
export function novelty(a: Plane, b: Plane): number {
  const columns = b.width / 4;
  const rows = b.height / 4;
  const [placesA, placesB] = [placesOf(a), placesOf(b)];
  const [moved, movedBack] = [
    { right: 0, down: 0 },
    { right: 0, down: 0 },
  ];
  let content = 0;
  let fresh = 0;
  let gone = 0;
  for (let top = 0, place = 0; top < rows; top += PLACE) {
    for (let left = 0; left < columns; left += PLACE, place++) {
      const height = Math.min(PLACE, rows - top);
      const width = Math.min(PLACE, columns - left);
      const contrast = Math.max(placesA.contrasts[place] ?? 0, placesB.contrasts[place] ?? 0);
      const at = top * columns + left;
      const change = residual(a.sums, b.sums, columns, at, at, width, height, 1e9);
      if (contrast < CONTENT && change < 2 * STILL) continue;
      content++;
      if (change <= STILL) continue;
      const allowed = REMAINS * contrast + STILL / 2;
      if (change <= allowed) continue;
      if (!isFoundNearby(a, placesA, b, placesB, left, top, width, height, allowed, moved)) fresh++;
      if (!isFoundNearby(b, placesB, a, placesA, left, top, width, height, allowed, movedBack)) gone++;
    }
  }
  return content === 0 ? 0 : Math.max(fresh, gone) / content;
}

/**
 * Whether the place of `to` is somewhere near in `from`. Neighbouring places mostly moved alike: where the last one was found,
 * `moved`, is looked at first.
 */
function isFoundNearby(
  from: Plane,
  { sums: fromSums }: RegionStats,
  to: Plane,
  { sums: toSums }: RegionStats,
  left: number,
  top: number,
  width: number,
  height: number,
  allowed: number,
  moved: { right: number; down: number },
): boolean {
  const columns = to.width / 4;
  const rows = to.height / 4;
  const at = top * columns + left;
  const [x0, x1] = [Math.max(0, left - REACH), Math.min(columns - width, left + REACH)];
  const [y0, y1] = [Math.max(0, top - REACH), Math.min(rows - height, top + REACH)];
  const lastX = Math.min(x1, Math.max(x0, left + moved.right));
  const lastY = Math.min(y1, Math.max(y0, top + moved.down));
  const last = lastY * columns + lastX;
  if (residual(from.sums, to.sums, columns, last, at, width, height, allowed) <= allowed) return true;
  // Places whose sums differ by more cannot be made of blocks that differ by less; the sums of cut places are not known.
  const whole = width === PLACE && height === PLACE;
  const limit = whole ? allowed * PLACE * PLACE * CELLS : Number.POSITIVE_INFINITY;
  const sum = toSums[at] ?? 0;
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const there = y * columns + x;
      const apart = (fromSums[there] ?? 0) - sum;
      if (apart > limit || -apart > limit) continue;
      if (residual(from.sums, to.sums, columns, there, at, width, height, allowed) > allowed) continue;
      moved.right = x - left;
      moved.down = y - top;
      return true;
    }
  }
  return false;
}

/** Mean absolute difference, in levels, of the places that begin at blocks `a` and `b`; gives up once it is above `allowed`. */
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

function placesOf(plane: Plane): RegionStats {
  plane.regions ??= readPlaces(plane);
  return plane.regions;
}

function readPlaces({ sums: blocks, width, height }: Plane): RegionStats {
  const [columns, rows] = [width / 4, height / 4];
  const contrasts = new Float64Array(Math.ceil(columns / PLACE) * Math.ceil(rows / PLACE));
  for (let top = 0, place = 0; top < rows; top += PLACE) {
    for (let left = 0; left < columns; left += PLACE, place++) {
      contrasts[place] = deviation(
        blocks,
        columns,
        left,
        top,
        Math.min(PLACE, columns - left),
        Math.min(PLACE, rows - top),
      );
    }
  }
  const sums = new Int32Array(blocks.length);
  for (let y = 0; y + PLACE <= rows; y++) {
    for (let x = 0; x + PLACE <= columns; x++) {
      let sum = 0;
      for (let row = (y * columns + x) | 0, end = row + PLACE * columns; row < end; row += columns) {
        sum += (blocks[row] ?? 0) + (blocks[row + 1] ?? 0) + (blocks[row + 2] ?? 0) + (blocks[row + 3] ?? 0);
      }
      sums[y * columns + x] = sum;
    }
  }
  return { contrasts, sums };
}

function deviation(
  blocks: Int32Array,
  columns: number,
  left: number,
  top: number,
  width: number,
  height: number,
): number {
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
 * How well `mid` is the mixture of `a` and `b`, 0 to 1: 1 for the middle of a dissolve or a fade, near 0 for a cut, a wipe and
 * for motion. Only places that differ between the ends count.
 */
export function blend(a: Plane, mid: Plane, b: Plane): number {
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
