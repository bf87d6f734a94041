/** Takes pictures from a span of a video at the points of a grid, and drops those that look like the one kept before. */
import type { FrameDecision } from '../schema/source.ts';
import { decodeFrames, type Grid, gridIndex, TIME_SLACK, type TimedPicture } from './decode.ts';
import { DUPLICATE_BELOW, difference, type Thumbnail, thumbnail } from './difference.ts';
import { fitWithin, type Picture } from './picture.ts';
import type { ProbedVideo } from './probe.ts';
import type { MediaTools } from './tools.ts';

/** `[start, end)` in seconds from the first shown frame. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /**
   * What becomes of the first candidate: `keep` keeps it whatever it shows; `compare` compares it with the candidate before
   * the span, so that spans which are extracted apart drop duplicates as one span would.
   */
  readonly first: 'keep' | 'compare';
}

/** A decision of the sampler, with the picture where it is kept. `time` is in seconds from the first shown frame. */
export interface SampledFrame extends Omit<FrameDecision, 'name' | 'slide' | 'time'> {
  readonly time: number;
  readonly picture?: Picture;
}

export interface SampleOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxPixels: number;
  /** Long side of the pictures, in pixels; smaller videos are not enlarged. Default 1280. */
  readonly maxSide?: number;
}

/** From this grid interval on, in seconds, seeking to each point is faster than decoding everything in between. */
const SPARSE = 20;
/** Wall-clock limit: so much for any span, and so much for each second of it. Slow consumers count too. In milliseconds. */
const TIME_LIMIT = { base: 600_000, perSecond: 10_000 } as const;

/**
 * Yields a decision for every candidate of the span: the first frame at or after each grid point and before the next one,
 * with its own presentation time. A grid interval in which no frame begins has no candidate: the frame before it is still
 * shown. `grid` is in seconds from the first shown frame. Memory does not depend on the length of the span; abandoning the
 * generator ends the decoder. Throws `media_truncated`, `media_too_large`, `timeout`, or the reason of the signal.
 */
export async function* sampleVideo(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  span: Span,
  grid: Grid,
  options: SampleOptions,
): AsyncGenerator<SampledFrame> {
  let reference: Thumbnail | undefined;
  let comparing = span.first === 'compare';
  for await (const { time, picture } of candidates(tools, path, video, span, grid, options)) {
    const seen = thumbnail(picture);
    if (time < span.start - TIME_SLACK) {
      reference = comparing ? seen : undefined;
      continue;
    }
    const change = reference ? difference(reference, seen) : 1;
    if (reference && change < DUPLICATE_BELOW) {
      yield { time, kept: false, reason: 'duplicate', difference: change };
      continue;
    }
    const reason = reference ? 'changed' : time <= TIME_SLACK ? 'first' : 'chunk_start';
    reference = seen;
    comparing = true;
    yield { time, kept: true, reason, difference: change, picture };
  }
}

/** The candidates of the span, after the one before it; times from the first shown frame. */
async function* candidates(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  span: Span,
  grid: Grid,
  options: SampleOptions,
): AsyncGenerator<TimedPicture> {
  if (span.start >= video.duration) return;
  const before = span.first === 'compare' ? 1 : 0;
  const first = gridIndex(grid, span.start) - before;
  const point = (k: number): number => grid.origin + k * grid.interval;
  const decode = (from: number, until: number): AsyncGenerator<TimedPicture> =>
    decodeFrames(
      tools,
      path,
      {
        size: fitWithin(video, options.maxSide ?? 1280),
        coding: video.coding,
        from: from <= 0 ? undefined : from + video.startOffset,
        until: until + video.startOffset,
        grid: { origin: grid.origin + video.startOffset, interval: grid.interval },
      },
      {
        signal: options.signal,
        maxPixels: options.maxPixels,
        timeLimit: Math.min(TIME_LIMIT.base + TIME_LIMIT.perSecond * (until - from), 2 ** 31 - 1),
      },
    );
  const relative = ({ time, picture }: TimedPicture): TimedPicture => ({
    time: Math.round((time - video.startOffset) * 1e6) / 1e6,
    picture,
  });

  if (grid.interval < SPARSE) {
    for await (const frame of decode(point(first), span.end)) yield relative(frame);
    return;
  }
  const end = Math.min(span.end, video.duration);
  for (let k = first; point(k) < end; k++) {
    for await (const frame of decode(point(k), Math.min(point(k + 1), end))) {
      yield relative(frame);
      break;
    }
  }
}
