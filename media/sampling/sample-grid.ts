/** Samples by `fps` and `count`: the first frame at or after each point of a grid, unless it looks like the one kept before. */
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
import { perceptualHash } from './perceptual-hash.ts';
import type { SampledFrame } from './sampled-frame.ts';
import { ptsOf, windowAt } from './windows.ts';

/** From this grid interval on, in seconds, seeking to each point is faster than decoding everything in between. */
const SPARSE = 20;

export interface GridRequest {
  readonly size: Size;
  readonly start: number;
  readonly end: number;
  readonly grid: Grid;
  readonly windows: SampleWindows;
}

/**
 * A decision for every candidate of `[start, end)`. A grid interval in which no frame begins has no candidate: the frame
 * before it is still shown. A window compares its first candidate with the one before it.
 */
export async function* sampleGrid(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  request: GridRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const { start, windows } = request;
  const first = windowAt(windows, start);
  let window = -1;
  let reference: Thumbnail | undefined;
  let before: Thumbnail | undefined;
  for await (const { time, image } of candidates(tools, path, video, request, options)) {
    const seen = createThumbnail(image);
    const here = windowAt(windows, time).index;
    if (time >= first.start - TIME_SLACK && here !== window) {
      window = here;
      reference = here === 0 ? undefined : before;
    }
    before = seen;
    if (window < 0) continue;
    const change = reference ? difference(reference, seen) : 1;
    const kept = !reference || change >= DUPLICATE_BELOW;
    const reason = !kept ? 'duplicate' : reference ? 'changed' : time <= TIME_SLACK ? 'first' : 'chunk_start';
    if (kept) reference = seen;
    if (time < start - TIME_SLACK) continue;
    const decision = {
      time,
      pts: ptsOf(time, video),
      hash: perceptualHash(seen.planes[0], seen.width, seen.height),
      kept,
      reason,
      difference: change,
      score: kept ? change : 0,
    } as const;
    yield kept ? { ...decision, image } : decision;
  }
}

/** The candidates of the windows of the span, after the one before them; times from the first shown frame. */
async function* candidates(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  { size, start, end: spanEnd, grid, windows }: GridRequest,
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
        size,
        coding: video.coding,
        from: from <= 0 ? undefined : from + video.startOffset,
        until: until + video.startOffset,
        grid: { origin: grid.origin + video.startOffset, interval: grid.interval },
      },
      options,
    );
  const relative = ({ time, image }: DecodedFrame): DecodedFrame => ({
    time: Math.round((time - video.startOffset) * 1e6) / 1e6,
    image,
  });

  if (grid.interval < SPARSE) {
    for await (const frame of decode(point(first), spanEnd)) yield relative(frame);
    return;
  }
  const end = Math.min(spanEnd, video.duration);
  for (let k = first; point(k) < end; k++) {
    for await (const frame of decode(point(k), Math.min(point(k + 1), end))) {
      yield relative(frame);
      break;
    }
  }
}
