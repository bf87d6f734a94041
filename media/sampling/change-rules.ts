/**
 * The rules by which candidates of the modes `adaptive` and `scene` are kept, and the state that they depend
 * on.
 */
import type { FrameReason } from '../../schema/source.ts';
import { DUPLICATE_BELOW } from './difference.ts';
import { scoreOf } from './frame-score.ts';
import type { CandidateFrame, Decision } from './frames.ts';
import type { Lookahead } from './lookahead.ts';
import type { MotionMask } from './motion-mask.ts';
import { newContentShare } from './new-content.ts';
import { type Change, changedShare, comparePlanes } from './plane.ts';

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
/** Candidates without any change after which motion has come to rest. */
const REST_CANDIDATES = 4;
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
  reference: CandidateFrame | undefined;
  /** Time since which candidates differ from the reference; undefined while they do not. */
  changingSince: number | undefined;
  /** A later candidate that will be kept: those before it are dropped. */
  pick: { readonly position: number; readonly reason: FrameReason } | undefined;
  pace: Pace;
}

/** Decides on the current candidate, `frame`. */
export function decideOn(state: SamplerState, frame: CandidateFrame): Decision {
  const { lookahead, pick, reference } = state;
  const change = reference ? comparePlanes(reference.plane, frame.plane) : undefined;
  if (pick && pick.position > lookahead.position) return drop('transition', change);
  if (pick?.position === lookahead.position) return keep(state, frame, change, pick.reason);
  if (!reference || !change) {
    return lookahead.isBlackBriefly() ? drop('black', change) : keep(state, frame, change, state.opening);
  }
  const shot = lookahead.shotChangeAt(0);
  if (shot) return keepBestOf(state, frame, change, shot.kind);
  if (lookahead.isInShortDissolve()) return drop('transition', change);
  if (state.mode === 'scene') return drop(change.max < DUPLICATE_BELOW ? 'duplicate' : 'same_shot', change);
  return followChange(state, frame, { reference, change });
}

/** The rules of `adaptive` within a shot. */
function followChange(
  state: SamplerState,
  frame: CandidateFrame,
  { reference, change }: { readonly reference: CandidateFrame; readonly change: Change },
): Decision {
  const { lookahead } = state;
  const rests = lookahead.isStill(0, REST_CANDIDATES);
  if (change.max < DUPLICATE_BELOW) {
    state.changingSince = undefined;
    if (rests) state.pace = initialPace();
    return drop('duplicate', change);
  }
  if (lookahead.isBlackBriefly()) return drop('black', change);
  state.changingSince ??= frame.time;
  const outsideMotion = (step: Change): number => state.mask?.maxStaticChange(step) ?? step.max;
  const isNew = outsideMotion(change) >= DUPLICATE_BELOW;
  const settles =
    isNew &&
    lookahead.isStill(0, 1, outsideMotion) &&
    frame.time - reference.time >= state.pace.settle - HALF_INTERVAL;
  if (rests || settles || (isNew && !lookahead.isInWindow(1))) {
    if (rests) state.pace = initialPace();
    else state.pace.settle = Math.min(SETTLE_WAIT.most, SETTLE_WAIT.growth * state.pace.settle);
    return keep(state, frame, change, 'changed');
  }
  const waited = frame.time - Math.max(reference.time, state.changingSince);
  const isNewScene = (): boolean =>
    waited >= NEW_CONTENT_WAIT.first - CANDIDATE_INTERVAL_SECONDS &&
    newContentShare(reference.plane, frame.plane) >= NEW_SCENE_SHARE;
  const kind = isNew || isNewScene() ? 'newContent' : 'motion';
  if (waited < state.pace[kind] - HALF_INTERVAL) return drop('moving', change);
  state.pace[kind] = Math.min(longestWait(kind, change), 2 * state.pace[kind]);
  return keepBestOf(state, frame, change, 'moving');
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
  frame: CandidateFrame,
  change: Change,
  reason: 'cut' | 'dissolve' | 'moving',
): Decision {
  const { lookahead } = state;
  if (reason !== 'moving') state.pace = initialPace();
  const best = bestAhead(lookahead, reason);
  if (lookahead.at(best)?.plane.black && lookahead.isBlackBriefly()) return drop('black', change);
  if (best === 0) return keep(state, frame, change, reason);
  state.pick = { position: lookahead.position + best, reason };
  return drop('transition', change);
}

function bestAhead(lookahead: Lookahead, reason: 'cut' | 'dissolve' | 'moving'): number {
  const most = reason === 'moving' ? MAX_PICK_AHEAD.moving : MAX_PICK_AHEAD.shot;
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

/** Keeps `frame`, which becomes the reference. */
function keep(
  state: SamplerState,
  frame: CandidateFrame,
  change: Change | undefined,
  reason: FrameReason,
): Decision {
  const { reference } = state;
  const score = reference && change ? scoreOf(reason, change, reference.plane, frame.plane) : 1;
  state.reference = frame;
  state.changingSince = undefined;
  state.pick = undefined;
  return { kept: true, reason, difference: change?.max ?? 1, score };
}

function drop(reason: FrameReason, change: Change | undefined): Decision {
  return { kept: false, reason, difference: change?.max ?? 1, score: 0 };
}
