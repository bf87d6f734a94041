import type { FrameReason } from '../../schema/source.ts';
import { newContentShare } from './new-content.ts';
import { type Change, changedShare, type Plane } from './plane.ts';

/**
 * The value of a frame where there are more than the budget allows, 0 to 1: how strong and how large its
 * change from the last kept frame is. A change of shot or slide ranks above any change within one, and that
 * above a sample of motion.
 */
export function scoreOf(reason: FrameReason, change: Change, before: Plane, now: Plane): number {
  const amount = (change.max + Math.max(changedShare(change), newContentShare(before, now))) / 2;
  const value =
    reason === 'cut' || reason === 'dissolve'
      ? 0.5 + amount / 2
      : reason === 'moving'
        ? amount / 4
        : 0.25 + amount / 4;
  return Math.round(value * 1000) / 1000;
}
