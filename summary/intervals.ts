/** Computes when a video displays a slide. Pure. */

export interface Interval {
  readonly start_time: number;
  readonly end_time: number;
}

/**
 * Returns the intervals in which `slide` is visible. A frame lasts until the next one, the last frame until
 * `end`; adjacent intervals are joined. `slides` has the slide of each frame, `times` its presentation time
 * in seconds.
 */
export function slideIntervals(
  slides: readonly (number | null)[],
  times: readonly number[],
  end: number,
  slide: number,
): readonly Interval[] {
  const intervals: { start_time: number; end_time: number }[] = [];
  for (const [index, shown] of slides.entries()) {
    if (shown !== slide) continue;
    const [start, stop] = [times[index] ?? 0, times[index + 1] ?? end];
    const last = intervals.at(-1);
    if (last && slides[index - 1] === slide) last.end_time = stop;
    else intervals.push({ start_time: start, end_time: stop });
  }
  return intervals;
}
