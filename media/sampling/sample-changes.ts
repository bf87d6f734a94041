/** Sampling by `adaptive` and `scene`: a span is decoded once, whatever the number of its windows. */
import type { SampleWindows } from '../../schema/stages.ts';
import type { MediaTools } from '../exec/index.ts';
import type { Size } from '../images/index.ts';
import { type DecodeOptions, type ProbedVideo, TIME_SLACK } from '../video/index.ts';
import { decodeCandidates } from './candidates.ts';
import { CANDIDATE_INTERVAL_SECONDS } from './change-rules.ts';
import { type ChangeSampler, CONTEXT_TICKS, createChangeSampler, LOOKAHEAD_TICKS } from './change-sampler.ts';
import { divideIntoParts } from './decode-parts.ts';
import { type CandidateFrame, type SampledFrame, toSampledFrame } from './frames.ts';
import { type Tick, ticksOf } from './ticks.ts';
import { type Window, windowAt } from './windows.ts';

/**
 * Frame rate from which frames that no other frame refers to are not decoded: with many B-frames that halves
 * the work. Candidates come at 5 a second, so the frame taken instead is displayed a few hundredths of a
 * second later.
 */
const SKIP_FROM_FPS = 20;
const CONTEXT_SECONDS = CONTEXT_TICKS * CANDIDATE_INTERVAL_SECONDS;
const LOOKAHEAD_SECONDS = LOOKAHEAD_TICKS * CANDIDATE_INTERVAL_SECONDS;

export interface SpanRequest {
  readonly video: ProbedVideo;
  /** Size of the images, in pixels. */
  readonly size: Size;
  /** Span in seconds from the first displayed frame. */
  readonly start: number;
  readonly end: number;
  readonly windows: SampleWindows;
}

export interface ChangeRequest extends SpanRequest {
  readonly mode: 'adaptive' | 'scene';
}

/** A window whose sampler still receives ticks. */
interface OpenWindow {
  readonly sampler: ChangeSampler;
  /**
   * Ticks from this time on are not passed to the sampler: its decisions must not depend on how far a span
   * goes.
   */
  readonly lookUntil: number;
}

/** Yields the decisions of `[start, end)`, in order. Memory does not depend on the length of the span. */
export async function* sampleChanges(
  tools: MediaTools,
  path: string,
  request: ChangeRequest,
  options: DecodeOptions,
): AsyncGenerator<SampledFrame> {
  const { video, start, end, windows } = request;
  let window = windowAt(windows, start);
  const lastEnd = Math.min(windowAt(windows, Math.max(start, end - 2 * TIME_SLACK)).end, video.duration);
  const from = window.index === 0 ? window.start : window.start - CONTEXT_SECONDS;
  const candidates = candidatesOf(tools, path, { ...request, from, lastEnd }, options);
  const ticks = ticksOf(candidates, {
    grid: { origin: windows.origin, interval: CANDIDATE_INTERVAL_SECONDS },
    windows,
    context: CONTEXT_SECONDS,
    lookahead: LOOKAHEAD_SECONDS,
    denseUntil: video.denseUntil ?? 0,
    until: lastEnd + LOOKAHEAD_SECONDS, // the last frame remains on display when a video has ended
  });

  let open: OpenWindow[] = []; // the current one, and the one before it until its lookahead is complete
  const recent: Tick[] = [];
  for await (const displayed of ticks) {
    let tick = displayed;
    const next = windowAt(windows, tick.time);
    const begins = open.length === 0 ? tick.time >= window.start - TIME_SLACK : next.index > window.index;
    if (begins && next.start < lastEnd) {
      window = next;
      if (window.index === 0 && tick.isRepeat) tick = firstOfChunk(tick);
      const sampler = samplerFor(window, request.mode, recent);
      open.push({ sampler, lookUntil: window.end + LOOKAHEAD_SECONDS - TIME_SLACK });
    }
    for (const { sampler, lookUntil } of open) {
      yield* framesOf(tick.time < lookUntil ? sampler.add(tick) : sampler.end());
    }
    open = open.filter(({ lookUntil }, index) => tick.time < lookUntil || index === open.length - 1);
    recent.push(tick);
    dropBefore(recent, tick.time - CONTEXT_SECONDS);
  }
  for (const { sampler } of open) yield* framesOf(sampler.end());

  async function* framesOf(decisions: ReturnType<ChangeSampler['add']>): AsyncGenerator<SampledFrame> {
    for (const [frame, decision] of decisions) {
      if (frame.time < start - TIME_SLACK || frame.time >= end - TIME_SLACK) continue;
      yield await toSampledFrame(frame, decision);
    }
  }
}

/** The candidates from `from` until the lookahead of the window that ends at `lastEnd` is complete. */
async function* candidatesOf(
  tools: MediaTools,
  path: string,
  {
    video,
    size,
    windows,
    from,
    lastEnd,
  }: ChangeRequest & { readonly from: number; readonly lastEnd: number },
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  // Deinterlacing reads neighbouring frames: there every frame is needed.
  const skips =
    video.frameRate.average >= SKIP_FROM_FPS && !video.coding.interlaced && !video.lacksTimestamps;
  const request = {
    video,
    from: from <= 0 ? undefined : from + video.startOffset,
    until: Math.min(lastEnd + LOOKAHEAD_SECONDS, video.duration + 1) + video.startOffset,
    grid: { origin: windows.origin + video.startOffset, interval: CANDIDATE_INTERVAL_SECONDS },
  };
  let begun = Number.NEGATIVE_INFINITY; // later parts begin with a frame before them, as the first one does
  for await (const { dense, ...part } of divideIntoParts(tools, path, request, options)) {
    const skip = dense && skips ? ('noref' as const) : undefined;
    for await (const frame of decodeCandidates(tools, path, { ...request, ...part, size, skip }, options)) {
      if (frame.pts >= begun - TIME_SLACK) yield frame;
    }
    begun = part.until;
  }
}

/** A frame that appeared before its chunk and is still displayed counts from the beginning of the chunk. */
function firstOfChunk(tick: Tick): Tick {
  return { ...tick, frame: { ...tick.frame, time: tick.time }, isRepeat: false };
}

function samplerFor(window: Window, mode: ChangeRequest['mode'], recent: readonly Tick[]): ChangeSampler {
  const context = window.index === 0 ? [] : contextOf(recent, window.start - CONTEXT_SECONDS);
  const opening = window.start <= TIME_SLACK ? 'first' : 'chunk_start';
  return createChangeSampler({ mode, opening, context, until: window.end - TIME_SLACK });
}

/** The ticks from `since` on, and the frame displayed at that time. */
function contextOf(recent: readonly Tick[], since: number): readonly Tick[] {
  const later = recent.findIndex(({ time }) => time > since + TIME_SLACK);
  const [first, ...others] = recent.slice(Math.max(0, (later < 0 ? recent.length : later) - 1));
  return first ? [{ ...first, change: undefined }, ...others] : [];
}

function dropBefore(recent: Tick[], time: number): void {
  while (recent.length > 1 && (recent[1]?.time ?? 0) < time - TIME_SLACK) recent.shift();
}
