/**
 * Tells places that always move, such as a speaker or a clip in a corner, from places that stand still and then change, such
 * as text: by how often each block, or one near it, has changed lately.
 */
import { DUPLICATE_BELOW } from './difference.ts';
import type { Change, Plane } from './plane.ts';

/** What one change adds, so that the fourth within a few seconds makes a place restless: a line that fades in does not. */
const CHANGED = 0.2;
/** What remains after a candidate: a restless place is calm again after some ten seconds. */
const REMAINS = 0.99;
const RESTLESS_FROM = 0.6;
/** Blocks around a restless one that count as restless: what moves there will come here. */
const AROUND = 3;

export interface MotionMask {
  /** Adds the change from the candidate before. */
  add(step: Change): void;
  /** The most different block of `change` among those that are calm, 0 to 1. */
  maxStaticChange(change: Change): number;
}

export function createMotionMask({ width, height }: Pick<Plane, 'width' | 'height'>): MotionMask {
  const [columns, rows] = [width / 4, height / 4];
  const levels = new Float32Array(columns * rows);
  const moves = new Uint8Array(columns * rows); // restless itself
  const across = new Uint8Array(columns * rows); // or one beside it in its row
  const restless = new Uint8Array(columns * rows);
  return {
    add({ blocks }) {
      for (let block = 0; block < blocks.length; block++) {
        const changed = (blocks[block] ?? 0) >= DUPLICATE_BELOW;
        const level = Math.min(1, (levels[block] ?? 0) * REMAINS + (changed ? CHANGED : 0));
        levels[block] = level;
        moves[block] = level < RESTLESS_FROM ? 0 : 1;
      }
      for (let row = 0; row < rows; row++) widen(moves, across, row * columns, 1, columns);
      for (let column = 0; column < columns; column++) widen(across, restless, column, columns, rows);
    },
    maxStaticChange({ blocks }) {
      let most = 0;
      for (let block = 0; block < blocks.length; block++) {
        if (restless[block] === 0 && (blocks[block] ?? 0) > most) most = blocks[block] ?? 0;
      }
      return most;
    },
  };
}

/** Marks in `to`, along one line of `length` blocks, what lies within `AROUND` of a block that is marked in `from`. */
function widen(from: Uint8Array, to: Uint8Array, start: number, step: number, length: number): void {
  let marked = 0; // of those around the present one
  for (let ahead = 0; ahead < Math.min(AROUND, length); ahead++) marked += from[start + ahead * step] ?? 0;
  for (let here = 0; here < length; here++) {
    if (here + AROUND < length) marked += from[start + (here + AROUND) * step] ?? 0;
    if (here > AROUND) marked -= from[start + (here - AROUND - 1) * step] ?? 0;
    to[start + here * step] = marked > 0 ? 1 : 0;
  }
}
