/** Layout of a timeline to scale. */
import type { ResultFrame } from '../../schema/result.ts';
import { findFrameAt, type SegmentView } from '../state/index.ts';

/** Round intervals between axis labels, in seconds. */
const LABEL_INTERVALS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400,
] as const;

/**
 * Returns times for axis labels: round numbers, at least `minGap` pixels apart and `minGap / 2` from the end.
 */
export function axisLabelTimes(duration: number, width: number, minGap: number): readonly number[] {
  if (duration <= 0 || width <= 0) return [];
  const step = LABEL_INTERVALS.find((candidate) => (candidate / duration) * width >= minGap) ?? 86_400;
  const times = [];
  for (let time = 0; ((duration - time) / duration) * width >= minGap / 2; time += step) times.push(time);
  return times;
}

export interface FilmSlot {
  /** The frame visible in this part of the source, or undefined until it is described. */
  readonly frame: ResultFrame | undefined;
}

/**
 * Divides the source into `count` equal parts and returns the frame visible in the middle of each: the last
 * one before it, because repeated frames are dropped.
 */
export function sampleFilmStrip(
  segments: readonly SegmentView[],
  duration: number,
  count: number,
): readonly FilmSlot[] {
  return Array.from({ length: count }, (_, slot) => {
    const middle = ((slot + 0.5) / count) * duration;
    const covering = segments.find(
      ({ startTime = 0, endTime = 0 }) => startTime <= middle && middle < endTime,
    );
    return { frame: covering && findFrameAt(covering.frames, middle) };
  });
}

/** Returns an SVG path with a stroke per frame, for a view box of 1000 by 1. */
export function frameTickPath(frames: readonly ResultFrame[], duration: number): string {
  if (duration <= 0) return '';
  return frames.map(({ time = 0 }) => `M${((time / duration) * 1000).toFixed(2)} 0v1`).join('');
}
