/**
 * Sampling by `keyframe`: only keyframes are decoded, so hours take seconds. How often there is one is up to
 * the encoder.
 */
import type { FrameDecision } from '../../schema/source.ts';
import type { MediaTools } from '../exec/index.ts';
import { type DecodeOptions, TIME_SLACK } from '../video/index.ts';
import { AmbiguousTimesError, type CandidateRequest, decodeCandidates } from './candidates.ts';
import { DUPLICATE_BELOW } from './difference.ts';
import { type CandidateFrame, type SampledFrame, toSampledFrame } from './frames.ts';
import { comparePlanes } from './plane.ts';
import type { SpanRequest } from './sample-changes.ts';
import { windowAt } from './windows.ts';

/** Least time between two candidates, in seconds: some videos consist of keyframes only. */
const MIN_INTERVAL_SECONDS = 0.5;

/** Candidates decoded after the one decided on: by then it is known whether ffmpeg wrote its image. */
const LOOKAHEAD_CANDIDATES = 4;

/** Keeps each keyframe of `[start, end)` that does not duplicate the last kept one. */
export async function* sampleKeyframes(
  tools: MediaTools,
  path: string,
  { video, size, start, end, windows }: SpanRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const first = windowAt(windows, start);
  const request = {
    video,
    size,
    from: first.start <= 0 ? undefined : first.start + video.startOffset,
    until: end + video.startOffset,
    grid: { origin: windows.origin + video.startOffset, interval: MIN_INTERVAL_SECONDS },
  };
  const candidates = delayed(decodeKeyframes(tools, path, request, options), LOOKAHEAD_CANDIDATES);
  let window = -1;
  let reference: CandidateFrame | undefined;
  let previous: CandidateFrame | undefined;
  for await (const frame of candidates) {
    const index = windowAt(windows, frame.time).index;
    if (frame.time >= first.start - TIME_SLACK && index !== window) {
      window = index;
      reference = index === 0 ? undefined : previous; // each window starts afresh, as in change-sampler.ts
    }
    previous = frame;
    if (window < 0) continue;
    const change = reference && comparePlanes(reference.plane, frame.plane);
    const kept = change === undefined || change.max >= DUPLICATE_BELOW;
    if (kept) reference = frame;
    if (frame.time < start - TIME_SLACK) continue;
    yield await toSampledFrame(frame, {
      kept,
      reason: reasonOf(change !== undefined, kept, frame.time),
      difference: change?.max ?? 1,
      score: kept ? (change?.max ?? 1) : 0,
    });
  }
}

/**
 * Yields the keyframes, without decoding anything else where their times can be read that way. ffmpeg's H.264
 * decoder gives several keyframes the same time and drops the rest where groups of pictures refer to each
 * other (open GOP with a pyramid of B-frames): `decodeCandidates` detects that, and from there on all frames
 * are decoded.
 */
async function* decodeKeyframes(
  tools: MediaTools,
  path: string,
  request: CandidateRequest,
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  let last = Number.NEGATIVE_INFINITY;
  if (!request.video.lacksTimestamps) {
    let pending: CandidateFrame | undefined; // yielded once the next one has a different time
    try {
      for await (const frame of decodeCandidates(tools, path, { ...request, skip: 'nokey' }, options)) {
        if (pending) {
          last = pending.pts;
          yield pending;
        }
        pending = frame;
      }
      if (pending) yield pending;
      return;
    } catch (error) {
      if (!(error instanceof AmbiguousTimesError)) throw error;
    }
  }
  for await (const frame of decodeCandidates(tools, path, { ...request, keysOnly: true }, options)) {
    if (frame.pts > last) yield frame;
  }
}

/** Yields the same candidates, each once `count` more are decoded. */
async function* delayed(
  candidates: AsyncIterable<CandidateFrame>,
  count: number,
): AsyncGenerator<CandidateFrame> {
  const pending: CandidateFrame[] = [];
  for await (const candidate of candidates) {
    pending.push(candidate);
    const first = pending.length > count ? pending.shift() : undefined;
    if (first) yield first;
  }
  yield* pending;
}

function reasonOf(compared: boolean, kept: boolean, time: number): FrameDecision['reason'] {
  if (compared) return kept ? 'changed' : 'duplicate';
  return time <= TIME_SLACK ? 'first' : 'chunk_start';
}
