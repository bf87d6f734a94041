/**
 * How much of a picture is new, and not the old one moved: the share of its places with something on them that no place
 * nearby in the other picture explains. Near 0 for a camera that pans and a head that nods, near 1 for another shot or slide.
 *
 * Works on the block means of a plane (64×36 for 16:9), in places of 4×4 of them; a place may have moved by up to 5 means
 * each way, some 150 of 1920 pixels.
 */
import type { Plane } from './plane.ts';

const PLACE = 4;
const REACH = 5;
/** Mean change in levels below which a place has not changed: noise. */
const STILL = 4;
/** Mean deviation in levels from which a place has something on it. */
const CONTENT = 2.5;
/** Share of its own contrast that may remain of a place after it was moved back. */
const REMAINS = 0.45;

/** The larger of what is new in `b` and what is gone from `a`, 0 to 1. */
export function novelty(a: Plane, b: Plane): number {
  return Math.max(unexplained(a, b), unexplained(b, a));
}

function unexplained(from: Plane, to: Plane): number {
  const columns = to.width / 4;
  const rows = to.height / 4;
  let content = 0;
  let fresh = 0;
  for (let top = 0; top < rows; top += PLACE) {
    for (let left = 0; left < columns; left += PLACE) {
      const height = Math.min(PLACE, rows - top);
      const width = Math.min(PLACE, columns - left);
      const contrast = Math.max(
        deviation(to.means, columns, left, top, width, height),
        deviation(from.means, columns, left, top, width, height),
      );
      const change = residual(from.means, to.means, columns, left, top, left, top, width, height, 1e9);
      if (contrast < CONTENT && change < 2 * STILL) continue;
      content++;
      if (change <= STILL) continue;
      const allowed = REMAINS * contrast + STILL / 2;
      if (change <= allowed) continue;
      if (!found(from.means, to.means, columns, rows, left, top, width, height, allowed)) fresh++;
    }
  }
  return content === 0 ? 0 : fresh / content;
}

/** Whether the place of `to` is somewhere near in `from`. */
function found(
  from: Float32Array,
  to: Float32Array,
  columns: number,
  rows: number,
  left: number,
  top: number,
  width: number,
  height: number,
  allowed: number,
): boolean {
  for (let y = Math.max(0, top - REACH); y <= Math.min(rows - height, top + REACH); y++) {
    for (let x = Math.max(0, left - REACH); x <= Math.min(columns - width, left + REACH); x++) {
      if (residual(from, to, columns, x, y, left, top, width, height, allowed) <= allowed) return true;
    }
  }
  return false;
}

/** Mean absolute difference of two places; gives up as soon as it is above `allowed`. */
function residual(
  from: Float32Array,
  to: Float32Array,
  columns: number,
  x: number,
  y: number,
  left: number,
  top: number,
  width: number,
  height: number,
  allowed: number,
): number {
  const limit = allowed * width * height;
  let sum = 0;
  for (let row = 0; row < height; row++) {
    let a = (y + row) * columns + x;
    let b = (top + row) * columns + left;
    for (let column = 0; column < width; column++, a++, b++) {
      const step = (to[b] ?? 0) - (from[a] ?? 0);
      sum += step < 0 ? -step : step;
    }
    if (sum > limit) break;
  }
  return sum / (width * height);
}

function deviation(
  means: Float32Array,
  columns: number,
  left: number,
  top: number,
  width: number,
  height: number,
): number {
  let mean = 0;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) mean += means[y * columns + x] ?? 0;
  }
  mean /= width * height;
  let sum = 0;
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) sum += Math.abs((means[y * columns + x] ?? 0) - mean);
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
  for (let block = 0; block < a.means.length; block++) {
    const from = a.means[block] ?? 0;
    const to = b.means[block] ?? 0;
    const change = Math.abs(to - from);
    if (change < 2 * STILL) continue;
    apart += change / 2;
    off += Math.min(change / 2, Math.abs((mid.means[block] ?? 0) - (from + to) / 2));
  }
  return apart === 0 ? 0 : 1 - off / apart;
}
