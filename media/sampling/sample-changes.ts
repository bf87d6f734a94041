/** Samples by `adaptive` and `scene`: one decoding of a span, however many windows it has. */
import type { SampleWindows } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import type { Size } from '../images/index.ts';
import { type DecodeOptions, type ProbedVideo, TIME_SLACK } from '../video/index.ts';
import { type CandidateFrame, decodeCandidates } from './candidates.ts';
import {
  type ChangeSampler,
  CONTEXT,
  createChangeSampler,
  type Decision,
  LOOKAHEAD,
  type Seen,
  STEP,
} from './change-sampler.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { comparePlanes } from './plane.ts';
import type { SampledFrame } from './sampled-frame.ts';
import { ptsOf, type Window, windowAt } from './windows.ts';

/**
 * Frames a second from which frames that no other frame needs are not decoded: half the work where there are many B-frames.
 * Where candidates come at 5 a second, the frame taken instead is shown some hundredths of a second later.
 */
const SKIPS_FROM = 20;

export interface ChangeRequest {
  readonly mode: 'adaptive' | 'scene';
  readonly size: Size;
  readonly start: number;
  readonly end: number;
  readonly windows: SampleWindows;
}

/** The decisions of `[start, end)`, in order. Memory does not depend on its length. */
export async function* sampleChanges(
  tools: MediaTools,
  path: string,
  video: ProbedVideo,
  { mode, size, start, end, windows }: ChangeRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  let window = windowAt(windows, start);
  const lastEnd = Math.min(windowAt(windows, Math.max(start, end - 2 * TIME_SLACK)).end, video.duration);
  const from = window.index === 0 ? window.start : window.start - CONTEXT * STEP;
  // Fields are woven from neighbours: there every frame is needed.
  const skips = video.frameRate.average >= SKIPS_FROM && !video.coding.interlaced && !video.lacksTimestamps;
  const candidates = decodeCandidates(
    tools,
    path,
    {
      size,
      full: video,
      coding: video.coding,
      from: from <= 0 ? undefined : from + video.startOffset,
      until: Math.min(lastEnd + LOOKAHEAD * STEP, video.duration + 1) + video.startOffset,
      grid: { origin: windows.origin + video.startOffset, interval: STEP },
      skip: skips ? 'noref' : undefined,
    },
    options,
  );

  let open: OpenWindow[] = []; // the present one, and the one before while it looks ahead
  const recent: Seen[] = [];
  for await (const candidate of candidates) {
    const seen = see(candidate, recent.at(-1), video);
    const here = windowAt(windows, seen.time);
    const begins = open.length === 0 ? seen.time >= window.start - TIME_SLACK : here.index > window.index;
    if (begins && here.start < lastEnd) {
      window = here;
      open.push({ follower: followerOf(window), lookUntil: window.end + LOOKAHEAD * STEP - TIME_SLACK });
    }
    for (const { follower, lookUntil } of open) {
      yield* framesOf(seen.time < lookUntil ? follower.add(seen) : follower.end());
    }
    open = open.filter(({ lookUntil }, index) => seen.time < lookUntil || index === open.length - 1);
    recent.push(seen);
    forget(recent, seen.time - CONTEXT * STEP);
  }
  for (const { follower } of open) yield* framesOf(follower.end());

  function followerOf(next: Window): ChangeSampler {
    const context = next.index === 0 ? [] : contextOf(recent, next.start - CONTEXT * STEP);
    const opening = next.start <= TIME_SLACK ? 'first' : 'chunk_start';
    return createChangeSampler({ mode, opening, context, until: next.end - TIME_SLACK });
  }

  async function* framesOf(verdicts: readonly Decision[]): AsyncGenerator<SampledFrame> {
    for (const { seen, kept, ...reasons } of verdicts) {
      if (seen.time < start - TIME_SLACK || seen.time >= end - TIME_SLACK) continue;
      const { luma, width, height } = seen.plane;
      const frame = {
        time: seen.time,
        pts: ptsOf(seen.time, video),
        hash: perceptualHash(luma, width, height),
        kept,
        ...reasons,
      };
      yield kept ? { ...frame, image: await seen.image() } : frame;
    }
  }
}

interface OpenWindow {
  readonly follower: ChangeSampler;
  /** The follower is shown no candidate from there on, whoever has decoded it. */
  readonly lookUntil: number;
}

function see(candidate: CandidateFrame, before: Seen | undefined, video: ProbedVideo): Seen {
  return {
    time: Math.round((candidate.time - video.startOffset) * 1e6) / 1e6,
    plane: candidate.plane,
    step: before && comparePlanes(before.plane, candidate.plane),
    image: candidate.image,
  };
}

/** The candidates from `since` on, and the one that was shown then. */
function contextOf(recent: readonly Seen[], since: number): readonly Seen[] {
  const first = recent.findIndex(({ time }) => time > since + TIME_SLACK);
  return recent.slice(Math.max(0, (first < 0 ? recent.length : first) - 1));
}

function forget(recent: Seen[], before: number): void {
  while (recent.length > 1 && (recent[1]?.time ?? 0) < before - TIME_SLACK) recent.shift();
}
