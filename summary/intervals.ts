/** From frames that show slides to the times of slides. Pure. */

export interface Interval {
  readonly start_time: number;
  readonly end_time: number;
}

/**
 * When `slide` is shown: a frame stands until the next one, the last until `end`; neighbours are one interval. `course` says for
 * each frame which slide it shows, `times` when it begins.
 */
export function slideIntervals(
  course: readonly (number | null)[],
  times: readonly number[],
  end: number,
  slide: number,
): readonly Interval[] {
  const intervals: { start_time: number; end_time: number }[] = [];
  for (const [index, shown] of course.entries()) {
    if (shown !== slide) continue;
    const [start, stop] = [times[index] ?? 0, times[index + 1] ?? end];
    const last = intervals.at(-1);
    if (last && course[index - 1] === slide) last.end_time = stop;
    else intervals.push({ start_time: start, end_time: stop });
  }
  return intervals;
}
