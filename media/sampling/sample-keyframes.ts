/** Samples by `keyframe`: nothing else is decoded, so hours take seconds; how often there is one is the encoder's choice. */
import type { FrameDecision } from '../../schema/source.ts';
import type { MediaTools } from '../exec/index.ts';
import { type DecodeOptions, type ProbedVideo, TIME_SLACK } from '../video/index.ts';
import {
  type CandidateFrame,
  type CandidateRequest,
  decodeCandidates,
  TimesLostError,
} from './candidates.ts';
import { DUPLICATE_BELOW } from './difference.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { comparePlanes } from './plane.ts';
import type { ChangeRequest } from './sample-changes.ts';
import type { SampledFrame } from './sampled-frame.ts';
import { ptsOf, windowAt } from './windows.ts';

/** Least time between two candidates, in seconds: some videos have nothing but keyframes. */
const STEP = 0.5;

/** Candidates known after the one decided on: by then it is known whether its picture was written. */
const LOOKAHEAD = 4;

/** Keeps each keyframe of `[start, end)` that does not look like the one kept before. */
export async function* sampleKeyframes(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  { size, start, end, windows }: Omit<ChangeRequest, 'mode'>,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const first = windowAt(windows, start);
  const request = {
    size,
    full: video,
    coding: video.coding,
    from: first.start <= 0 ? undefined : first.start + video.startOffset,
    until: end + video.startOffset,
    grid: { origin: windows.origin + video.startOffset, interval: STEP },
  };
  const candidates = behind(
    keyframes(tools, path, request, video.lacksTimestamps === true, options),
    LOOKAHEAD,
  );
  let window = -1;
  let reference: CandidateFrame | undefined;
  let before: CandidateFrame | undefined;
  for await (const candidate of candidates) {
    const time = Math.round((candidate.time - video.startOffset) * 1e6) / 1e6;
    const here = windowAt(windows, time).index;
    if (time >= first.start - TIME_SLACK && here !== window) {
      window = here;
      reference = here === 0 ? undefined : before; // as in follow.ts: each window begins anew
    }
    before = candidate;
    if (window < 0) continue;
    const change = reference && comparePlanes(reference.plane, candidate.plane);
    const kept = change === undefined || change.max >= DUPLICATE_BELOW;
    if (kept) reference = candidate;
    if (time < start - TIME_SLACK) continue;
    const { luma, width, height } = candidate.plane;
    const decision = {
      time,
      pts: ptsOf(time, video),
      hash: perceptualHash(luma, width, height),
      kept,
      reason: reasonOf(change !== undefined, kept, time),
      difference: change?.max ?? 1,
      score: kept ? (change?.max ?? 1) : 0,
    };
    yield kept ? { ...decision, image: await candidate.image() } : decision;
  }
}

/**
 * The keyframes, without decoding anything else if their times can be told so. ffmpeg's decoder of H.264 gives several
 * keyframes one time and loses the rest where groups of pictures refer to each other (open GOP with a pyramid of B-frames):
 * that is noticed, and from there on all frames are decoded.
 */
async function* keyframes(
  tools: MediaTools,
  path: string,
  request: CandidateRequest,
  all: boolean,
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  let last = Number.NEGATIVE_INFINITY;
  if (!all) {
    let held: CandidateFrame | undefined; // until the next one has a time of its own
    try {
      for await (const candidate of decodeCandidates(tools, path, { ...request, skip: 'nokey' }, options)) {
        if (held) {
          last = held.time;
          yield held;
        }
        held = candidate;
      }
      if (held) yield held;
      return;
    } catch (error) {
      if (!(error instanceof TimesLostError)) throw error;
    }
  }
  for await (const candidate of decodeCandidates(tools, path, { ...request, keysOnly: true }, options)) {
    if (candidate.time > last) yield candidate;
  }
}

/** The same candidates, each once `count` more are known. */
async function* behind(
  candidates: AsyncIterable<CandidateFrame>,
  count: number,
): AsyncGenerator<CandidateFrame> {
  const held: CandidateFrame[] = [];
  for await (const candidate of candidates) {
    held.push(candidate);
    const first = held.length > count ? held.shift() : undefined;
    if (first) yield first;
  }
  yield* held;
}

function reasonOf(compared: boolean, kept: boolean, time: number): FrameDecision['reason'] {
  if (compared) return kept ? 'changed' : 'duplicate';
  return time <= TIME_SLACK ? 'first' : 'chunk_start';
}
