/** Takes from a span of a video the pictures worth showing, by the mode asked for. */
import type { Sampler } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import { fitWithin } from '../images/index.ts';
import { type DecodeOptions, type Grid, type ProbedVideo, TIME_SLACK } from '../video/index.ts';
import { sampleChanges } from './sample-changes.ts';
import { sampleGrid } from './sample-grid.ts';
import { sampleKeyframes } from './sample-keyframes.ts';
import type { SampledFrame } from './sampled-frame.ts';

/** `[start, end)` in seconds from the first shown frame. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /**
   * For a grid without windows: what becomes of the first candidate. `keep` keeps it whatever it shows; `compare` compares it
   * with the candidate before the span. Where a sampler has windows they say it.
   */
  readonly first?: 'keep' | 'compare';
}

export interface SampleOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxPixels: number;
  /** Long side of the pictures, in pixels; smaller videos are not enlarged. Default 1280. */
  readonly maxSide?: number;
}

/** Wall-clock limit: so much for any span, and so much for each second of it. Slow consumers count too. In milliseconds. */
const TIME_LIMIT = { base: 600_000, perSecond: 10_000 } as const;

/**
 * Yields, in order, a decision for every candidate of the span, each with its own presentation time. Where spans are cut
 * makes no difference. Memory does not depend on the length of the span; abandoning the generator ends the decoder. Throws
 * `media_truncated`, `media_too_large`, `timeout`, or the reason of the signal.
 */
export async function* sampleVideo(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  span: Span,
  sampler: Sampler | Grid,
  options: SampleOptions,
): AsyncGenerator<SampledFrame> {
  const { start } = span;
  if (start >= video.duration) return;
  const size = fitWithin(video, options.maxSide ?? 1280);
  const decoding: DecodeOptions = {
    signal: options.signal,
    maxPixels: options.maxPixels,
    timeLimitMs: Math.min(TIME_LIMIT.base + TIME_LIMIT.perSecond * (span.end - start), 2 ** 31 - 1),
  };
  if (!('mode' in sampler) || sampler.mode === 'grid') {
    const windows = 'windows' in sampler ? sampler.windows : windowOf(span);
    yield* sampleGrid(tools, path, video, { size, start, end: span.end, grid: sampler, windows }, decoding);
    return;
  }
  const { windows } = sampler;
  const end = Math.min(span.end, windows.end, video.duration + TIME_SLACK * 2);
  if (sampler.mode === 'keyframe') {
    yield* sampleKeyframes(tools, path, video, { size, start, end, windows }, decoding);
  } else {
    yield* sampleChanges(tools, path, video, { mode: sampler.mode, size, start, end, windows }, decoding);
  }
}

/** A span on its own: one window, which opens a chunk or is the second of one. */
function windowOf({ start, end, first }: Span): Extract<Sampler, { mode: 'grid' }>['windows'] {
  const seconds = Math.max(end - start, 1e-3);
  return { origin: first === 'compare' ? start - seconds : start, end, seconds };
}
