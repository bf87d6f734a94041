/**
 * Splits a source into units of work: spans, which one extraction decodes, and segments, which one model call
 * describes. Pure: a workflow computes the same spans on replay.
 */
import type { SummaryRequest } from '../schema/request.ts';
import type { Frame, SourceInfo, VideoInfo } from '../schema/source.ts';
import type { ExtractSpan, Sampler } from '../schema/stages.ts';

/** Longest span of a video, in seconds: bounds the work that is repeated after a lost worker. */
const SPAN_SECONDS = 120;
/** Maximum number of sampling points in a span: bounds the size of an extraction. */
const MAX_SPAN_FRAMES = 200;
/** Maximum number of slides or images in a span. */
const MAX_SPAN_SLIDES = 20;

/** The requested range of a video, in seconds. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/** The requested range of a video, limited to its duration. */
export function videoRange(
  source: VideoInfo,
  request: Pick<SummaryRequest, 'start_time' | 'end_time'>,
): SourceRange {
  return {
    start: request.start_time ?? 0,
    end: Math.min(request.end_time ?? source.duration, source.duration),
  };
}

/**
 * Returns the spans of `source` in order, without holes or overlap. `slides` are the requested slides of a
 * deck or an image list. The spans of a video are the windows of its sampler. A chunk always keeps its first
 * frame; a window inside a chunk starts with a comparison to the frame before it, so content that does not
 * change over many spans costs one frame.
 */
export function planSpans(
  source: SourceInfo,
  request: Pick<SummaryRequest, 'sampling' | 'start_time' | 'end_time' | 'chunk_duration'>,
  slides: readonly number[],
): readonly ExtractSpan[] {
  if (source.type !== 'video') {
    const spans: ExtractSpan[] = [];
    for (let from = 0; from < slides.length; from += MAX_SPAN_SLIDES) {
      spans.push({ kind: 'slides', slides: slides.slice(from, from + MAX_SPAN_SLIDES) });
    }
    return spans;
  }
  const { start, end } = videoRange(source, request);
  const { mode, fps, max_frames: most } = request.sampling;
  const interval = mode === 'count' ? (end - start) / most : Math.max(1 / fps, (end - start) / most);
  const gridded = mode === 'fps' || mode === 'count';
  const seconds = gridded ? Math.min(SPAN_SECONDS, MAX_SPAN_FRAMES * interval) : SPAN_SECONDS;
  return splitRange(start, end, request.chunk_duration ?? end - start).flatMap((chunk) => {
    const windows = { origin: chunk.start, end: chunk.end, seconds };
    const sampler: Sampler = gridded ? { mode: 'grid', origin: start, interval, windows } : { mode, windows };
    return splitRange(chunk.start, chunk.end, seconds).map(
      (span) => ({ kind: 'video', ...span, sampler }) as const,
    );
  });
}

/** Splits `[start, end)` into ranges of `step` seconds; the last one may be shorter. */
function splitRange(start: number, end: number, step: number): readonly SourceRange[] {
  const count = Math.max(1, Math.ceil((end - start) / step - 1e-9));
  return Array.from({ length: count }, (_, index) => ({
    start: start + index * step,
    end: index === count - 1 ? end : start + (index + 1) * step,
  }));
}

/** A frame with its tokens in the prompt. */
export interface BudgetedFrame extends Frame {
  readonly imageTokens: number;
}

/** Limits of one prompt. */
export interface SegmentBudget {
  readonly maxImages: number;
  /** Maximum number of tokens of prompt and generation together. */
  readonly maxTokens: number;
  /** Tokens of the prompt without its images. */
  readonly promptTokens: number;
  /** Tokens of the caption and the label, per image. */
  readonly tokensPerImage: number;
}

/** Frames `[first, last)` of the job, described by one model call. */
export interface PlannedSegment {
  readonly index: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Groups consecutive frames into as few groups as the budget allows, of even size: 13 frames at 6 per prompt
 * become 4 + 4 + 5. With `chunk` (seconds, for videos) no group crosses a multiple of it from `origin`.
 */
export function planSegments(
  frames: readonly BudgetedFrame[],
  budget: SegmentBudget,
  chunk?: { readonly origin: number; readonly seconds: number },
): readonly PlannedSegment[] {
  const segments: PlannedSegment[] = [];
  for (const run of runs(frames, chunk)) {
    let first = run.first;
    for (const size of sizes(frames.slice(run.first, run.last), budget)) {
      segments.push({ index: segments.length, first, last: first + size });
      first += size;
    }
  }
  return segments;
}

function runs(
  frames: readonly BudgetedFrame[],
  chunk: { readonly origin: number; readonly seconds: number } | undefined,
): readonly { readonly first: number; readonly last: number }[] {
  // Slides with an image and slides without are described in different ways, so they are never in one group.
  const chunkOf = (frame: BudgetedFrame): string => {
    const time =
      chunk === undefined || frame.time === undefined
        ? 0
        : Math.floor((frame.time - chunk.origin) / chunk.seconds + 1e-9);
    return `${time}${frame.placeholder ? ' placeholder' : ''}`;
  };
  const found: { first: number; last: number }[] = [];
  let number: string | undefined;
  for (const [index, frame] of frames.entries()) {
    const run = found.at(-1);
    if (run === undefined || chunkOf(frame) !== number) {
      found.push({ first: index, last: index + 1 });
      number = chunkOf(frame);
    } else {
      run.last = index + 1;
    }
  }
  return found;
}

/**
 * Group sizes: as few groups as the budget allows, then as even as possible where the budget allows that too.
 */
function sizes(frames: readonly BudgetedFrame[], budget: SegmentBudget): readonly number[] {
  const greedy = fill(frames, budget);
  const edge = (group: number): number => Math.floor((group * frames.length) / greedy.length);
  const even = greedy.map((_, group) => edge(group + 1) - edge(group));
  const fits = even.every(
    (_, group) => fill(frames.slice(edge(group), edge(group + 1)), budget).length === 1,
  );
  return fits ? even : greedy;
}

function fill(frames: readonly BudgetedFrame[], budget: SegmentBudget): readonly number[] {
  const groups: number[] = [];
  let count = 0;
  let tokens = budget.promptTokens;
  for (const frame of frames) {
    const cost = frame.imageTokens + budget.tokensPerImage;
    if (count > 0 && (count === budget.maxImages || tokens + cost > budget.maxTokens)) {
      groups.push(count);
      count = 0;
      tokens = budget.promptTokens;
    }
    count += 1;
    tokens += cost;
  }
  if (count > 0) groups.push(count);
  return groups;
}

/**
 * An input of a merge: its number of lines, and whether its first line repeats the last one of the previous
 * item.
 */
export interface MergeItem {
  readonly lines: number;
  readonly continues?: boolean;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Groups neighbours for one level of merging: as few groups as `most` lines per group allow, as even as
 * possible, cut where an item does not continue the previous one if possible. An item with more than `most`
 * lines is a group of its own.
 */
export function mergeGroups(items: readonly MergeItem[], most: number): readonly Range[] {
  const greedy = cutGroups(items, most);
  const total = items.reduce((sum, item) => sum + item.lines, 0);
  const even = cutGroups(items, Math.ceil(total / Math.max(1, greedy.length)));
  return even.length === greedy.length ? even : greedy;
}

function cutGroups(items: readonly MergeItem[], most: number): readonly Range[] {
  const groups: Range[] = [];
  let first = 0;
  let lines = 0;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index] as MergeItem; // index < items.length
    while (index > first && lines + item.lines > most) {
      const cut = lastCut(items, first, index);
      groups.push({ first, last: cut });
      first = cut;
      lines = items.slice(cut, index).reduce((sum, { lines: own }) => sum + own, 0);
    }
    lines += item.lines;
  }
  if (first < items.length) groups.push({ first, last: items.length });
  return groups;
}

/**
 * The last index in `(first, index]` whose item does not continue the previous one; `index` if there is none.
 */
function lastCut(items: readonly MergeItem[], first: number, index: number): number {
  for (let cut = index; cut > first; cut -= 1) if (items[cut]?.continues !== true) return cut;
  return index;
}
