/**
 * Distinguishes places that always move, such as a speaker or a clip in a corner, from places that stand
 * still and then change, such as text, by how often each block, or one near it, has changed lately.
 */
import { DUPLICATE_BELOW } from './difference.ts';
import type { Change, Plane } from './plane.ts';

/**
 * Added to a block's level by a change: the fourth within a few seconds marks it as moving, a line that fades
 * in does not.
 */
const LEVEL_PER_CHANGE = 0.2;
/** Decay per candidate: a moving block counts as static again after about ten seconds without change. */
const DECAY = 0.99;
const MOVING_FROM = 0.6;
/** Blocks around a moving one that count as moving as well: what moves will come there. */
const MARGIN_BLOCKS = 3;

export interface MotionMask {
  /** Adds the change from the candidate before. */
  add(change: Change): void;
  /** The largest change of a block outside the mask, 0 to 1. */
  maxStaticChange(change: Change): number;
}

export function createMotionMask({ width, height }: Pick<Plane, 'width' | 'height'>): MotionMask {
  const [columns, rows] = [width / 4, height / 4];
  const levels = new Float32Array(columns * rows);
  const moving = new Uint8Array(columns * rows);
  const widenedRows = new Uint8Array(columns * rows);
  const mask = new Uint8Array(columns * rows);
  return {
    add({ blocks }) {
      for (let block = 0; block < blocks.length; block++) {
        const changed = (blocks[block] ?? 0) >= DUPLICATE_BELOW;
        const level = Math.min(1, (levels[block] ?? 0) * DECAY + (changed ? LEVEL_PER_CHANGE : 0));
        levels[block] = level;
        moving[block] = level < MOVING_FROM ? 0 : 1;
      }
      for (let row = 0; row < rows; row++) widen(moving, widenedRows, row * columns, 1, columns);
      for (let column = 0; column < columns; column++) widen(widenedRows, mask, column, columns, rows);
    },
    maxStaticChange({ blocks }) {
      let max = 0;
      for (let block = 0; block < blocks.length; block++) {
        if (mask[block] === 0 && (blocks[block] ?? 0) > max) max = blocks[block] ?? 0;
      }
      return max;
    },
  };
}

/**
 * Marks in `to`, along one line of `length` blocks that begins at `start`, what lies within the margin of a
 * block marked in `from`. Positional parameters: this runs a hundred times per candidate.
 */
function widen(from: Uint8Array, to: Uint8Array, start: number, step: number, length: number): void {
  let marked = 0; // of the blocks within the margin of the current one
  for (let ahead = 0; ahead < Math.min(MARGIN_BLOCKS, length); ahead++)
    marked += from[start + ahead * step] ?? 0;
  for (let block = 0; block < length; block++) {
    if (block + MARGIN_BLOCKS < length) marked += from[start + (block + MARGIN_BLOCKS) * step] ?? 0;
    if (block > MARGIN_BLOCKS) marked -= from[start + (block - MARGIN_BLOCKS - 1) * step] ?? 0;
    to[start + block * step] = marked > 0 ? 1 : 0;
  }
}
