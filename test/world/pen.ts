import type { SKRSContext2D } from '@napi-rs/canvas';
import type { Random } from './random.ts';

/** What the parts of a drawing need. All lengths are shares of the width `w` or the height `h`. */
export interface Pen {
  readonly context: SKRSContext2D;
  readonly random: Random;
  readonly w: number;
  readonly h: number;
  /** 0 to 1: how far objects have moved on a path on which the caption stays true. */
  readonly motion: number;
}
