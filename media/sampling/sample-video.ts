/** Selects the frames of a span of a video that are worth describing, by the sampling mode of the request. */
import type { Sampler } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import { fitWithin } from '../images/index.ts';
import { type DecodeOptions, type Grid, type ProbedVideo, TIME_SLACK } from '../video/index.ts';
import type { SampledFrame } from './frames.ts';
import { sampleChanges } from './sample-changes.ts';
import { sampleGrid } from './sample-grid.ts';
import { sampleKeyframes } from './sample-keyframes.ts';

/** `[start, end)` in seconds from the first displayed frame. */
export interface Span {
  readonly start: number;
  readonly end: number;
  /**
   * Only for a grid without windows: what happens to the first candidate. `keep` keeps it whatever it shows;
   * `compare` compares it with the candidate before the span. A sampler with windows defines this itself.
   */
  readonly first?: 'keep' | 'compare';
}

export interface SampleRequest {
  /** File of the video. */
  readonly path: string;
  /** The result of `probeVideo` for that file. */
  readonly video: ProbedVideo;
  readonly span: Span;
  readonly sampler: Sampler | Grid;
  /** Largest frame that is decoded, in pixels. */
  readonly maxPixels: number;
  /** Long side of the images, in pixels; smaller videos are not enlarged. Default 1280. */
  readonly maxSide?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Wall-clock limit: a base for any span plus an amount per second of it. It includes the time that consumers
 * take.
 */
const TIME_LIMIT_MS = { base: 600_000, perSecond: 10_000 } as const;
const DEFAULT_SIDE_PX = 1280;
/** Longest delay of a timer of Node. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Yields, in order, a decision for every candidate of the span, with the image where the frame is kept. The
 * decisions do not depend on where a video is divided into spans. Memory does not grow with the length of the
 * span. Ending the iteration early ends the decoder.
 *
 * @throws FrameloomError `media_truncated`, `media_too_large`, `timeout`; or the reason of the signal
 */
export async function* sampleVideo(tools: MediaTools, request: SampleRequest): AsyncGenerator<SampledFrame> {
  const { path, video, span, sampler, maxPixels, signal } = request;
  const { start } = span;
  if (start >= video.duration) return;
  const size = fitWithin(video, request.maxSide ?? DEFAULT_SIDE_PX);
  const timeLimitMs = TIME_LIMIT_MS.base + TIME_LIMIT_MS.perSecond * (span.end - start);
  const options: DecodeOptions = { signal, maxPixels, timeLimitMs: Math.min(timeLimitMs, MAX_TIMER_MS) };
  if (!('mode' in sampler) || sampler.mode === 'grid') {
    const windows = 'windows' in sampler ? sampler.windows : windowOf(span);
    yield* sampleGrid(tools, path, { video, size, start, end: span.end, grid: sampler, windows }, options);
    return;
  }
  const { windows } = sampler;
  const end = Math.min(span.end, windows.end, video.duration + TIME_SLACK * 2);
  if (sampler.mode === 'keyframe') {
    yield* sampleKeyframes(tools, path, { video, size, start, end, windows }, options);
  } else {
    yield* sampleChanges(tools, path, { video, mode: sampler.mode, size, start, end, windows }, options);
  }
}

/**
 * A span without windows is one window: the first of a chunk, or the second where it is compared with what
 * precedes it.
 */
function windowOf({ start, end, first }: Span): Extract<Sampler, { mode: 'grid' }>['windows'] {
  const seconds = Math.max(end - start, 1e-3);
  return { origin: first === 'compare' ? start - seconds : start, end, seconds };
}
