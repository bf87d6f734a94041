/**
 * Sampling by `fps` and `count`: the first frame at or after each point of a grid, or the one displayed where
 * none comes before the next point, without duplicates of the last kept one.
 */
import type { SampleWindows } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import type { Size } from '../images/index.ts';
import {
  type DecodedFrame,
  type DecodeOptions,
  type DecodeRequest,
  decodeFrames,
  type Grid,
  gridIndex,
  type ProbedVideo,
  TIME_SLACK,
} from '../video/index.ts';
import { divideIntoParts } from './decode-parts.ts';
import { createThumbnail, DUPLICATE_BELOW, difference, type Thumbnail } from './difference.ts';
import type { SampledFrame } from './frames.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { windowAt } from './windows.ts';

/**
 * From this grid interval on, in seconds, seeking to each point is faster than decoding everything in
 * between.
 */
const SEEK_FROM_INTERVAL_SECONDS = 20;

export interface GridRequest {
  readonly video: ProbedVideo;
  /** Size of the images, in pixels. */
  readonly size: Size;
  /** Span in seconds from the first displayed frame. */
  readonly start: number;
  readonly end: number;
  readonly grid: Grid;
  readonly windows: SampleWindows;
}

/**
 * Yields a decision for every candidate of `[start, end)`. Where no frame begins in a grid interval, the one
 * displayed then is a candidate, unless it was one before. The first candidate of a window is compared with
 * the candidate before it.
 */
export async function* sampleGrid(
  tools: MediaTools,
  path: string,
  request: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const { start, windows } = request;
  const first = windowAt(windows, start);
  let window = -1;
  let reference: Thumbnail | undefined;
  let previous: Thumbnail | undefined;
  for await (const { time, pts, image } of candidatesOf(tools, path, request, options)) {
    const thumbnail = createThumbnail(image);
    const index = windowAt(windows, time).index;
    if (time >= first.start - TIME_SLACK && index !== window) {
      window = index;
      reference = index === 0 ? undefined : previous;
    }
    previous = thumbnail;
    if (window < 0) continue;
    const change = reference ? difference(reference, thumbnail) : 1;
    const kept = !reference || change >= DUPLICATE_BELOW;
    const reason = !kept ? 'duplicate' : reference ? 'changed' : time <= TIME_SLACK ? 'first' : 'chunk_start';
    if (kept) reference = thumbnail;
    if (time < start - TIME_SLACK) continue;
    const decision = {
      time,
      pts,
      hash: perceptualHash(thumbnail.planes[0], thumbnail.width, thumbnail.height),
      kept,
      reason,
      difference: change,
      score: kept ? change : 0,
    } as const;
    yield kept ? { ...decision, image } : decision;
  }
}

interface GridCandidate extends DecodedFrame {
  /** Seconds from the first displayed frame. */
  readonly time: number;
}

/**
 * The candidates, preceded by the one before them. A frame that appeared before its chunk and is still
 * displayed counts from the beginning of the chunk.
 */
async function* candidatesOf(
  tools: MediaTools,
  path: string,
  request: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<GridCandidate> {
  const { video, start, end, grid, windows } = request;
  const first = windowAt(windows, start);
  const interval = gridIndex(grid, first.start);
  let before: DecodedFrame | undefined;
  const carriedOver = (): readonly GridCandidate[] => {
    const carried = first.index === 0 && before ? [{ ...before, time: first.start }] : [];
    before = undefined;
    return carried;
  };
  for await (const frame of decodeCandidates(tools, path, request, options)) {
    const time = Math.round((frame.pts - video.startOffset) * 1e6) / 1e6;
    const isBefore = time < first.start - TIME_SLACK;
    if (isBefore && first.index === 0) {
      before = frame;
      continue;
    }
    if (!isBefore && gridIndex(grid, time) > interval) yield* carriedOver();
    before = undefined;
    yield { ...frame, time };
  }
  if (end > first.start) yield* carriedOver();
}

/** The candidates of the windows that the span touches, preceded by the one before them. */
async function* decodeCandidates(
  tools: MediaTools,
  path: string,
  { video, size, start, end: spanEnd, grid: sourceGrid, windows }: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const window = windowAt(windows, start);
  const first = gridIndex(sourceGrid, window.start) - (window.index > 0 ? 1 : 0);
  const { interval } = sourceGrid;
  const grid = { origin: sourceGrid.origin + video.startOffset, interval };
  const point = (k: number): number => grid.origin + k * interval;
  const { coding } = video;
  const decode = (range: Pick<DecodeRequest, 'from' | 'until' | 'also'>): AsyncGenerator<DecodedFrame> =>
    decodeFrames(tools, path, { video, size, coding, grid, ...range }, options);
  const from = point(first) <= video.startOffset ? undefined : point(first);
  const end = spanEnd + video.startOffset;

  const sourceEnd = video.startOffset + video.duration;
  if (interval < SEEK_FROM_INTERVAL_SECONDS) {
    const lastUntil = Math.min(sourceEnd, windows.end + video.startOffset);
    const span = { video, grid, from, until: end, lastUntil };
    for await (const part of divideIntoParts(tools, path, span, options)) {
      const { until, shown } = part;
      if (shown === undefined) yield* decode(part);
      else yield* decode({ from: shown, until, also: [shown, ...part.also] });
    }
    return;
  }
  let last = Number.NEGATIVE_INFINITY;
  const lastPoint = Math.min(end, sourceEnd);
  for (let k = first; point(k) < lastPoint; k++) {
    const next = await firstOf(decode({ from: k === first ? from : point(k), until: point(k + 1) }));
    const shown = next ? undefined : await shownAt(tools, path, { video, grid, time: point(k) }, options);
    const also = shown === undefined || shown <= last ? undefined : [shown];
    const frame = next ?? (also && (await firstOf(decode({ from: also[0], until: point(k), also }))));
    if (!frame || frame.pts >= end - TIME_SLACK) continue;
    last = frame.pts;
    yield frame;
  }
}

/** Returns when the frame appears that is displayed at container time `time`; undefined if one appears then. */
async function shownAt(
  tools: MediaTools,
  path: string,
  { video, grid, time }: Pick<GridRequest, 'video' | 'grid'> & { readonly time: number },
  options: DecodeOptions,
): Promise<number | undefined> {
  const request = { video: { ...video, denseUntil: 0 }, grid, from: time, until: time };
  return (await firstOf(divideIntoParts(tools, path, request, options)))?.shown;
}

async function firstOf<T>(items: AsyncGenerator<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
