/** Where a sentence can be checked: the places it rests on, and the frame that shows it best. Pure. */

import { formatRange, formatSlides } from '../../core/format.ts';
import type { ResultFrame } from '../../schema/result.ts';
import type { SegmentView } from './job-log.ts';

export interface EvidencePlace {
  /** `0:15–0:27` or `3–5`. */
  readonly label: string;
  readonly segments: readonly number[];
}

interface Run {
  readonly segments: number[];
  readonly slides: number[];
  readonly start: number;
  end: number;
}

/** Float noise between the end of one segment and the start of the next, in seconds. */
const TOUCHING = 1e-3;

/**
 * The places of the segments with these indices, in the order of the source; neighbours are one place. Segments that are not there (gaps) are left
 * out.
 */
export function evidencePlaces(
  segments: readonly SegmentView[],
  indices: readonly number[],
): readonly EvidencePlace[] {
  const wanted = new Set(indices);
  const runs: Run[] = [];
  for (const { index, startTime, endTime, slides } of segments) {
    if (!wanted.has(index)) continue;
    const timed = startTime !== undefined && endTime !== undefined;
    const start = timed ? startTime : (slides[0] ?? 0);
    const end = timed ? endTime : (slides.at(-1) ?? 0) + 1;
    const run = runs.at(-1);
    if (run && start <= run.end + TOUCHING) {
      run.end = Math.max(run.end, end);
      run.segments.push(index);
      if (!timed) run.slides.push(...slides);
    } else {
      runs.push({ segments: [index], slides: timed ? [] : [...slides], start, end });
    }
  }
  return runs.map((run) => ({
    label: run.slides.length > 0 ? formatSlides(run.slides) : formatRange(run.start, run.end),
    segments: run.segments,
  }));
}

/**
 * The frame of these segments whose caption has most words in common with `text`; of equals the first. A segment may begin
 * with the end of what came before, so that its first frame would often show something else.
 */
export function evidenceFrame(
  segments: readonly SegmentView[],
  indices: readonly number[],
  text: string,
): ResultFrame | undefined {
  const wanted = wordsOf(text);
  let best: ResultFrame | undefined;
  let most = -1;
  for (const segment of segments) {
    if (!indices.includes(segment.index)) continue;
    for (const frame of segment.frames) {
      const common = [...wordsOf(frame.caption)].filter((word) => wanted.has(word)).length;
      if (common > most) [best, most] = [frame, common];
    }
  }
  return best;
}

function wordsOf(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}
