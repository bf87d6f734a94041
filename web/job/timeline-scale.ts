/** Where things stand on a timeline drawn to scale. Pure; positions are shares of the width, 0 to 1. */
import type { ResultFrame } from '../../schema/result.ts';
import { frameAt, type SegmentView } from '../state/index.ts';

/** Steps people can count in, in seconds. */
const STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
] as const;

/** Times for axis labels: round numbers, at least `minGap` pixels apart, the last one clear of the end. */
export function axisTimes(duration: number, width: number, minGap: number): readonly number[] {
  if (duration <= 0 || width <= 0) return [];
  const step = STEPS.find((candidate) => (candidate / duration) * width >= minGap) ?? 86_400;
  const times = [];
  for (let time = 0; ((duration - time) / duration) * width >= minGap / 2; time += step) times.push(time);
  return times;
}

export interface FilmSlot {
  /** The picture on screen in this stretch of the source, or undefined while nothing is known of it. */
  readonly frame: ResultFrame | undefined;
}

/**
 * Cuts the source into `count` equal stretches, each with the picture on screen in its middle: the last frame before it, as
 * frames that repeat were dropped. Nothing for a stretch whose middle is not described (yet).
 */
export function filmStrip(
  segments: readonly SegmentView[],
  duration: number,
  count: number,
): readonly FilmSlot[] {
  return Array.from({ length: count }, (_, slot) => {
    const middle = ((slot + 0.5) / count) * duration;
    const covering = segments.find(
      ({ startTime = 0, endTime = 0 }) => startTime <= middle && middle < endTime,
    );
    return { frame: covering && frameAt(covering.frames, middle) };
  });
}

/** An SVG path of one short stroke per frame in a drawing 1000 wide and 1 high. */
export function tickPath(frames: readonly ResultFrame[], duration: number): string {
  if (duration <= 0) return '';
  return frames.map(({ time = 0 }) => `M${((time / duration) * 1000).toFixed(2)} 0v1`).join('');
}
