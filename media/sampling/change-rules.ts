/**
 * The rules by which candidates of the modes `adaptive` and `scene` are kept, and the state that they depend
 * on.
 */
import type { FrameReason } from '../../schema/source.ts';
import { DUPLICATE_BELOW } from './difference.ts';
import { scoreOf } from './frame-score.ts';
import type { Decision } from './frames.ts';
import type { Lookahead } from './lookahead.ts';
import type { MotionMask } from './motion-mask.ts';
import { newContentShare } from './new-content.ts';
import { type Change, changedShare, comparePlanes, type Plane } from './plane.ts';
import type { Tick } from './ticks.ts';

/** Time between two candidates. */
export const CANDIDATE_INTERVAL_SECONDS = 0.2;
/** Waits are compared with a tolerance of half an interval. */
const HALF_INTERVAL = CANDIDATE_INTERVAL_SECONDS / 2;

/**
 * How many candidates after its moment a frame may be taken where it is sharper or more settled. A change of
 * shot must be kept within half a second.
 */
const MAX_PICK_AHEAD = { shot: 1, moving: 2 } as const;
/** A later frame is preferred where it is sharper by this factor. */
const SHARPER_BY = 1.1;
/**
 * Seconds between kept frames while new content keeps coming: the first wait, and the most that it grows to.
 */
const NEW_CONTENT_WAIT = { first: 1.5, most: 4 } as const;
/**
 * The same while only places move that always move, such as a speaker or a clip in a corner; and where almost
 * nothing moves, such as a cursor.
 */
const MOTION_WAIT = { first: 2, most: 8, mostForLittle: 32 } as const;
/** Share of the blocks up to which almost nothing moves. */
const LITTLE_MOTION = 0.01;
/**
 * Ticks without any change after which motion has come to rest; where frames are displayed for long, and only
 * places have changed that always move, such as a speaker at one frame a second.
 */
const REST_TICKS = 4;
const LONG_REST_TICKS = 7;
/**
 * Seconds after a kept frame from which a moment of rest is enough to keep the next; grows until there is
 * real rest.
 */
const SETTLE_WAIT = { first: 1, growth: 1.5, most: 4 } as const;
/** Share of new content from which motion counts as new content, even in places that always move. */
const NEW_SCENE_SHARE = 0.5;

/** Waits in seconds before the next frame is kept: each grows while change continues and is reset by rest. */
export interface Pace {
  newContent: number;
  motion: number;
  settle: number;
}

export function initialPace(): Pace {
  return { newContent: NEW_CONTENT_WAIT.first, motion: MOTION_WAIT.first, settle: SETTLE_WAIT.first };
}

/** What decisions depend on; the functions of this file are its transitions. */
export interface SamplerState {
  readonly mode: 'adaptive' | 'scene';
  readonly opening: 'first' | 'chunk_start';
  readonly lookahead: Lookahead;
  /** Places that always move; undefined until the first candidate. */
  mask: MotionMask | undefined;
  /** The last kept frame, or the last one of the context: what candidates are compared with. */
  reference: Tick | undefined;
  /** The last comparison with the reference: repeats need no other. */
  compared: { readonly from: Plane; readonly to: Plane; readonly change: Change } | undefined;
  /** Time since which candidates differ from the reference; undefined while they do not. */
  changingSince: number | undefined;
  /** A later candidate that will be kept: those before it are dropped. */
  pick: { readonly position: number; readonly reason: FrameReason } | undefined;
  pace: Pace;
}

/** Decides on the frame of the current tick, `tick`. */
export function decideOn(state: SamplerState, tick: Tick): Decision {
  const { lookahead, pick, reference } = state;
  const change = reference && changeFrom(state, reference.plane, tick.plane);
  if (pick && pick.position > lookahead.position) return drop('transition', change);
  if (pick?.position === lookahead.position) return keep(state, tick, change, pick.reason);
  if (!reference || !change) {
    return lookahead.isBlackBriefly() ? drop('black', change) : keep(state, tick, change, state.opening);
  }
  const shot = lookahead.shotChangeAt(0);
  if (shot) return keepBestOf(state, tick, change, shot.kind);
  if (lookahead.isInShortDissolve()) return drop('transition', change);
  if (state.mode === 'scene') return drop(change.max < DUPLICATE_BELOW ? 'duplicate' : 'same_shot', change);
  return followChange(state, tick, { reference, change });
}

function changeFrom(state: SamplerState, from: Plane, to: Plane): Change {
  if (state.compared?.from !== from || state.compared.to !== to) {
    state.compared = { from, to, change: comparePlanes(from, to) };
  }
  return state.compared.change;
}

/** The rules of `adaptive` within a shot. */
function followChange(
  state: SamplerState,
  tick: Tick,
  { reference, change }: { readonly reference: Tick; readonly change: Change },
): Decision {
  const { lookahead } = state;
  const outsideMotion = (step: Change): number => state.mask?.maxStaticChange(step) ?? step.max;
  const isNew = outsideMotion(change) >= DUPLICATE_BELOW;
  const isPaused = lookahead.at(1)?.isRepeat === true; // frames come slowly: motion goes on with the next one
  const rests = lookahead.isStill(0, isPaused && !isNew ? LONG_REST_TICKS : REST_TICKS);
  if (change.max < DUPLICATE_BELOW) {
    state.changingSince = undefined;
    if (rests) state.pace = initialPace();
    return drop('duplicate', change);
  }
  if (lookahead.isBlackBriefly()) return drop('black', change);
  state.changingSince ??= tick.time;
  const settles =
    isNew &&
    lookahead.isStill(0, 1, outsideMotion) &&
    tick.time - reference.time >= state.pace.settle - HALF_INTERVAL;
  if (rests || settles || (isNew && !lookahead.isInWindow(1))) {
    if (rests) state.pace = initialPace();
    else state.pace.settle = Math.min(SETTLE_WAIT.most, SETTLE_WAIT.growth * state.pace.settle);
    return keep(state, tick, change, 'changed');
  }
  const waited = tick.time - Math.max(reference.time, state.changingSince);
  const isNewScene = (): boolean =>
    waited >= NEW_CONTENT_WAIT.first - CANDIDATE_INTERVAL_SECONDS &&
    newContentShare(reference.plane, tick.plane) >= NEW_SCENE_SHARE;
  const kind = isNew || isNewScene() ? 'newContent' : 'motion';
  if (waited < state.pace[kind] - HALF_INTERVAL) return drop('moving', change);
  state.pace[kind] = Math.min(longestWait(kind, change), 2 * state.pace[kind]);
  return keepBestOf(state, tick, change, 'moving');
}

function longestWait(kind: 'newContent' | 'motion', change: Change): number {
  if (kind === 'newContent') return NEW_CONTENT_WAIT.most;
  return changedShare(change) < LITTLE_MOTION ? MOTION_WAIT.mostForLittle : MOTION_WAIT.most;
}

/**
 * Keeps the current candidate or picks one soon after it: the first that is settled, else the sharpest; never
 * a black one.
 */
function keepBestOf(
  state: SamplerState,
  tick: Tick,
  change: Change,
  reason: 'cut' | 'dissolve' | 'moving',
): Decision {
  const { lookahead } = state;
  if (reason !== 'moving') state.pace = initialPace();
  const best = bestAhead(lookahead, reason);
  if (lookahead.at(best)?.plane.black && lookahead.isBlackBriefly()) return drop('black', change);
  if (best === 0) return keep(state, tick, change, reason);
  state.pick = { position: lookahead.position + best, reason };
  return drop('transition', change);
}

/** The tick, at most `most` ahead, whose frame stays on display after others of the same shot: it is settled. */
function lastOfBurst(lookahead: Lookahead, most: number): number | undefined {
  for (let ahead = 0; ahead <= most && lookahead.isInWindow(ahead); ahead++) {
    if (ahead > 0 && lookahead.shotChangeAt(ahead)) return undefined;
    if (lookahead.at(ahead + 1)?.isRepeat && !lookahead.at(ahead)?.plane.black) return ahead;
  }
  return undefined;
}

function bestAhead(lookahead: Lookahead, reason: 'cut' | 'dissolve' | 'moving'): number {
  const most = reason === 'moving' ? MAX_PICK_AHEAD.moving : MAX_PICK_AHEAD.shot;
  const last = reason === 'moving' ? undefined : lastOfBurst(lookahead, most);
  if (last !== undefined) return last;
  let best = 0;
  for (let ahead = 0; ahead <= most && lookahead.isInWindow(ahead); ahead++) {
    const plane = lookahead.at(ahead)?.plane;
    const bestPlane = lookahead.at(best)?.plane;
    if (!plane || !bestPlane) break;
    if (ahead > 0) {
      if (lookahead.shotChangeAt(ahead)) break;
      const isBetter = bestPlane.black || plane.sharpness > SHARPER_BY * bestPlane.sharpness;
      if (!plane.black && isBetter) best = ahead;
    }
    if (!plane.black && reason !== 'moving' && lookahead.isStill(ahead, 1)) {
      if (plane.sharpness >= (lookahead.at(best)?.plane.sharpness ?? 0)) best = ahead;
      break;
    }
  }
  return best;
}

/** Keeps the frame of `tick`, which becomes the reference. */
function keep(state: SamplerState, tick: Tick, change: Change | undefined, reason: FrameReason): Decision {
  const { reference } = state;
  const score = reference && change ? scoreOf(reason, change, reference.plane, tick.plane) : 1;
  state.reference = tick;
  state.changingSince = undefined;
  state.pick = undefined;
  return { kept: true, reason, difference: change?.max ?? 1, score };
}

function drop(reason: FrameReason, change: Change | undefined): Decision {
  return { kept: false, reason, difference: change?.max ?? 1, score: 0 };
}
