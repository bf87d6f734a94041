/** Evidence of a sentence: the ranges of its segments, and the best matching frame. */

import { formatRange, formatSlides } from '../../core/format.ts';
import type { ResultFrame } from '../../schema/result.ts';
import type { SegmentView } from './job-log.ts';

export interface EvidenceRange {
  /** `0:15–0:27` or `3–5`. */
  readonly label: string;
  readonly segments: readonly number[];
}

interface MergedRange {
  readonly segments: number[];
  readonly slides: number[];
  readonly start: number;
  end: number;
}

/** Rounding error between the end of a segment and the start of the next. */
const ADJACENT_TOLERANCE_SECONDS = 1e-3;

/**
 * Returns the time or slide ranges of the segments with these indices, in the order of the source. Adjacent
 * segments are merged; missing ones (gaps) are skipped.
 */
export function groupEvidence(
  segments: readonly SegmentView[],
  indices: readonly number[],
): readonly EvidenceRange[] {
  const included = new Set(indices);
  const runs: MergedRange[] = [];
  for (const { index, startTime, endTime, slides } of segments) {
    if (!included.has(index)) continue;
    const timed = startTime !== undefined && endTime !== undefined;
    const start = timed ? startTime : (slides[0] ?? 0);
    const end = timed ? endTime : (slides.at(-1) ?? 0) + 1;
    const run = runs.at(-1);
    if (run && start <= run.end + ADJACENT_TOLERANCE_SECONDS) {
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
 * Returns the frame of these segments whose caption shares the most words with `text`, or the first of
 * several. The first frame of a segment may still show the previous subject.
 */
export function findEvidenceFrame(
  segments: readonly SegmentView[],
  indices: readonly number[],
  text: string,
): ResultFrame | undefined {
  const words = uniqueWords(text);
  let best: ResultFrame | undefined;
  let bestCount = -1;
  for (const segment of segments) {
    if (!indices.includes(segment.index)) continue;
    for (const frame of segment.frames) {
      const common = [...uniqueWords(frame.caption)].filter((word) => words.has(word)).length;
      if (common > bestCount) [best, bestCount] = [frame, common];
    }
  }
  return best;
}

function uniqueWords(text: string): Set<string> {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu));
}
