/**
 * Sampling by `fps` and `count`: the first frame at or after each point of a grid, without duplicates of the
 * last kept one.
 */
import type { SampleWindows } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import type { Size } from '../images/index.ts';
import {
  type DecodedFrame,
  type DecodeOptions,
  decodeFrames,
  type Grid,
  gridIndex,
  type ProbedVideo,
  TIME_SLACK,
} from '../video/index.ts';
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
 * Yields a decision for every candidate of `[start, end)`. A grid interval in which no frame begins has no
 * candidate: the frame before it is still displayed. The first candidate of a window is compared with the
 * candidate before it.
 */
export async function* sampleGrid(
  tools: MediaTools,
  path: string,
  request: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const { video, start, windows } = request;
  const first = windowAt(windows, start);
  let window = -1;
  let reference: Thumbnail | undefined;
  let previous: Thumbnail | undefined;
  for await (const { pts, image } of decodeCandidates(tools, path, request, options)) {
    const time = Math.round((pts - video.startOffset) * 1e6) / 1e6;
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

/** The candidates of the windows that the span touches, preceded by the one before them. */
async function* decodeCandidates(
  tools: MediaTools,
  path: string,
  { video, size, start, end: spanEnd, grid, windows }: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const window = windowAt(windows, start);
  const first = gridIndex(grid, window.start) - (window.index > 0 ? 1 : 0);
  const point = (k: number): number => grid.origin + k * grid.interval;
  const decode = (from: number, until: number): AsyncGenerator<DecodedFrame> =>
    decodeFrames(
      tools,
      path,
      {
        video,
        size,
        coding: video.coding,
        from: from <= 0 ? undefined : from + video.startOffset,
        until: until + video.startOffset,
        grid: { origin: grid.origin + video.startOffset, interval: grid.interval },
      },
      options,
    );

  if (grid.interval < SEEK_FROM_INTERVAL_SECONDS) {
    yield* decode(point(first), spanEnd);
    return;
  }
  const end = Math.min(spanEnd, video.duration);
  for (let k = first; point(k) < end; k++) {
    for await (const frame of decode(point(k), Math.min(point(k + 1), end))) {
      yield frame;
      break;
    }
  }
}
