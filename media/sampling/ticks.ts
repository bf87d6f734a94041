/**
 * What a viewer sees at five moments a second: each candidate when it appears, and again at every grid point
 * while it stays on display. Rules that count ticks therefore measure presented time, whatever the rate at
 * which a file stores frames.
 */
import type { SampleWindows } from '../../schema/stages.ts';
import { type Grid, gridIndex, TIME_SLACK } from '../video/index.ts';
import type { CandidateFrame } from './frames.ts';
import { type Change, comparePlanes, type Plane } from './plane.ts';
import { windowAt } from './windows.ts';

export interface Tick {
  readonly frame: CandidateFrame;
  /** Seconds from the first displayed frame. */
  readonly time: number;
  readonly plane: Plane;
  /** Change from the tick before; undefined for the first one. */
  readonly change: Change | undefined;
  /** The frame has appeared before. */
  readonly isRepeat: boolean;
}

export interface TickOptions {
  /** From the first displayed frame. */
  readonly grid: Grid;
  readonly windows: SampleWindows;
  /** Seconds that a window looks back and ahead. */
  readonly context: number;
  readonly lookahead: number;
  /** Seconds: frames that appear earlier do not stay, though the next candidate may be some frames away. */
  readonly denseUntil: number;
  /** Seconds before which the last tick comes. */
  readonly until: number;
}

/**
 * Yields the ticks of `candidates`. Where a frame stays on display through whole windows, those are left out:
 * nothing appears in them to decide on.
 */
export async function* ticksOf(
  candidates: AsyncIterable<CandidateFrame>,
  options: TickOptions,
): AsyncGenerator<Tick> {
  const { grid, windows, context, until } = options;
  let shown: CandidateFrame | undefined;
  for await (const frame of candidates) {
    const resumeAt = windowAt(windows, frame.time).start - context - grid.interval;
    if (shown) yield* repeats(shown, { ...options, before: gridIndex(grid, frame.time), resumeAt });
    const change = shown && comparePlanes(shown.plane, frame.plane);
    yield { frame, time: frame.time, plane: frame.plane, change, isRepeat: false };
    shown = frame;
  }
  const before = gridIndex(grid, until - 3 * TIME_SLACK) + 1;
  if (shown) yield* repeats(shown, { ...options, before, resumeAt: Number.POSITIVE_INFINITY });
}

/** The grid points after `frame` appears, up to that with number `before`. */
function* repeats(
  frame: CandidateFrame,
  options: TickOptions & { readonly before: number; readonly resumeAt: number },
): Generator<Tick> {
  const { grid, windows, lookahead, denseUntil, before, resumeAt } = options;
  if (frame.time < denseUntil - 2 * TIME_SLACK) return;
  const { plane } = frame;
  const change = comparePlanes(plane, plane);
  const leaveOutFrom = windowAt(windows, frame.time).end + lookahead;
  for (let index = gridIndex(grid, frame.time) + 1; index < before; index++) {
    const time = grid.origin + index * grid.interval;
    if (time >= leaveOutFrom && time < resumeAt) continue;
    yield { frame, time, plane, change, isRepeat: true };
  }
}
