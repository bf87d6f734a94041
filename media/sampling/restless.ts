/**
 * Tells places that always move, such as a speaker or a clip in a corner, from places that stand still and then change, such
 * as text: by how often each block, or one near it, has changed lately.
 */
import { DUPLICATE_BELOW } from '../difference.ts';
import type { Change, Plane } from './plane.ts';

/** What one change adds, so that the fourth within a few seconds makes a place restless: a line that fades in does not. */
const CHANGED = 0.2;
/** What remains after a candidate: a restless place is calm again after some ten seconds. */
const REMAINS = 0.99;
const RESTLESS_FROM = 0.6;
/** Blocks around a restless one that count as restless: what moves there will come here. */
const AROUND = 3;

export interface Restlessness {
  /** Adds the change from the candidate before. */
  add(step: Change): void;
  /** The most different block of `change` among those that are calm, 0 to 1. */
  calmest(change: Change): number;
}

export function createRestlessness({ width, height }: Pick<Plane, 'width' | 'height'>): Restlessness {
  const [columns, rows] = [width / 4, height / 4];
  const levels = new Float32Array(columns * rows);
  const restless = new Uint8Array(columns * rows);
  return {
    add({ blocks }) {
      restless.fill(0);
      for (let block = 0; block < blocks.length; block++) {
        const changed = (blocks[block] ?? 0) >= DUPLICATE_BELOW;
        const level = Math.min(1, (levels[block] ?? 0) * REMAINS + (changed ? CHANGED : 0));
        levels[block] = level;
        if (level < RESTLESS_FROM) continue;
        const [left, top] = [(block % columns) - AROUND, Math.floor(block / columns) - AROUND];
        for (let y = Math.max(0, top); y <= Math.min(rows - 1, top + 2 * AROUND); y++) {
          restless.fill(
            1,
            y * columns + Math.max(0, left),
            y * columns + Math.min(columns, left + 2 * AROUND + 1),
          );
        }
      }
    },
    calmest({ blocks }) {
      let most = 0;
      for (let block = 0; block < blocks.length; block++) {
        if (restless[block] === 0 && (blocks[block] ?? 0) > most) most = blocks[block] ?? 0;
      }
      return most;
    },
  };
}
