/**
 * From a source and a request to units of work. Spans are what one extraction decodes; segments are what one model call
 * describes. Both are pure functions of their input, so that a workflow can compute them again on replay.
 */
import type { SummaryRequest } from '../schema/request.ts';
import type { Frame, SourceInfo, VideoInfo } from '../schema/source.ts';
import type { ExtractSpan, Sampler } from '../schema/stages.ts';

/** Longest stretch of video that one extraction decodes, in seconds: bounds what a lost worker costs. */
const SPAN_SECONDS = 120;
/** Most sampling points of one extraction: bounds what it answers. */
const MAX_SPAN_FRAMES = 200;
/** Most slides or pictures that one extraction renders. */
const MAX_SPAN_SLIDES = 20;

/** The part of the source that the request asks for. */
export interface SourceRange {
  readonly start: number;
  readonly end: number;
}

/** The requested seconds of a video, cut to its length. */
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
 * The spans of `source`, in order, without holes or overlap. `slides` are the requested ones, for decks and image lists. Spans
 * of a video are the windows of its sampler. A chunk always keeps its first picture; a window inside one begins by comparing
 * with the picture before it, so that a picture that stands still over many spans costs one frame.
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

/** `[start, end)` cut into pieces of `step`, the last one shorter. */
function splitRange(start: number, end: number, step: number): readonly SourceRange[] {
  const count = Math.max(1, Math.ceil((end - start) / step - 1e-9));
  return Array.from({ length: count }, (_, index) => ({
    start: start + index * step,
    end: index === count - 1 ? end : start + (index + 1) * step,
  }));
}

/** A frame with what it costs in the prompt. */
export interface BudgetedFrame extends Frame {
  readonly imageTokens: number;
}

/** What one prompt may hold. */
export interface SegmentBudget {
  readonly maxImages: number;
  /** Most tokens of prompt and answer together. */
  readonly maxTokens: number;
  /** Tokens of the prompt's own words. */
  readonly promptTokens: number;
  /** Tokens of the answer and of the label, per picture. */
  readonly tokensPerImage: number;
}

/** Frames `[first, last)` of the job, described by one model call. */
export interface PlannedSegment {
  readonly index: number;
  readonly first: number;
  readonly last: number;
}

/**
 * Groups consecutive frames, each group as long as the budget allows, and evenly: 13 frames at 6 per prompt become 4 + 4 + 5.
 * With `chunk` (seconds, for videos) no group reaches over a multiple of it from `origin`.
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
  // Slides with a picture and slides without are described in different ways, and so never together.
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

/** Group sizes: as few groups as the budget allows, then as even as possible where the budget allows that too. */
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

/** Something to merge: the lines it brings, and whether its first one only continues the item before. */
export interface MergeItem {
  readonly lines: number;
  readonly continues?: boolean;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/**
 * Groups of neighbours for one level of merging: as few groups as `most` lines per group allows, as even as possible, and cut where
 * something new begins if there is such a place. An item with more lines than `most` stands alone.
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
      const cut = newBeginning(items, first, index);
      groups.push({ first, last: cut });
      first = cut;
      lines = items.slice(cut, index).reduce((sum, { lines: own }) => sum + own, 0);
    }
    lines += item.lines;
  }
  if (first < items.length) groups.push({ first, last: items.length });
  return groups;
}

/** The last place in `(first, index]` where an item begins something new; `index` where there is none. */
function newBeginning(items: readonly MergeItem[], first: number, index: number): number {
  for (let cut = index; cut > first; cut -= 1) if (items[cut]?.continues !== true) return cut;
  return index;
}
