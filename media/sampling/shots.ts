/**
 * Finds where one shot, or one slide, changes to another. Planes come at five a second. The measure is
 * how much of the image is new (`newContentShare`), so that cameras and people may move.
 *  - A cut: most of the image is new at once, more than before and after, and it does not come back, as it
 *    does after a flash.
 *  - Another slide: all text consists of the same strokes, so the measure is how much of the old content is
 *    gone (`replacedShare`); but only between moments of rest, because that measure takes all motion for
 *    change.
 *  - An animated change between pages that are single frames: the same, from one such frame to the next.
 *  - A short fade through black: what appears is new against what disappeared.
 *  - A dissolve or fade: most of the image is new over a longer time whose middle is the mixture of its ends
 *    (`mixtureFit`).
 */
import { DUPLICATE_BELOW } from './difference.ts';
import { mixtureFit, newContentShare } from './new-content.ts';
import { type Change, changedShare, comparePlanes, type Plane } from './plane.ts';
import { PlaneHistory } from './plane-history.ts';

/** Least share of an image that is new after a change of shot. */
const NEW_SHOT_SHARE = 0.5;
/** A cut has this many times the new content of its neighbours. */
const PEAK_RATIO = 1.4;
/** Least share of a slide that another slide replaces, and the most that motion may replace around it. */
const NEW_SLIDE = { least: 0.5, mostAround: 0.2 } as const;
/** Ticks at which a frame must still be on display to count as one that stays. */
const STAYS = 2;
/** Lengths of dissolves that are tried, in candidates: 0.8, 1.6, 2.4 and 3.2 seconds. */
const DISSOLVE_LENGTHS = [4, 8, 12, 16] as const;
/** Least fit of the middle of a dissolve. */
const MIN_MIXTURE_FIT = 0.6;
/** Candidates within which two changes count as one: no shot is shorter than 0.6 s. */
const MIN_SHOT = 2;
/**
 * Least share of an image that a dissolve changes; things that move slowly over a plain background change
 * less.
 */
const MIN_DISSOLVE_SHARE = 0.1;
/** A longer dissolve replaces a shorter one around the same middle only where it fits better by this. */
const BETTER_FIT = 0.1;
/** The same among dissolves that end at the same candidate. */
const BETTER_LENGTH = 0.05;
/** A dissolve lasts while the new share is at least this, or this share of its peak. */
const ACTIVE = { from: 0.15, share: 0.3 } as const;
/** Candidates in half of the longest dissolve. */
const HALF_DISSOLVE = 8;
/** Candidates without a better fit after which a dissolve is final: as many as the shortest one lasts. */
const FINAL_AFTER = 3;
/**
 * After black: candidates within which the image is back, and the change of mean luma in levels below which
 * it is steady.
 */
const FADE_IN = { within: 8, steadyBelow: 2 } as const;

/** Candidates needed before a change, and after it until it is final. */
const SHOT_CONTEXT = 16;
export const SHOT_LOOKAHEAD = 12;

export interface ShotChange {
  readonly kind: 'cut' | 'dissolve';
  /** Number of the first candidate that shows only the new shot. */
  readonly index: number;
  /** Number of the last one that shows only the old shot. */
  readonly from: number;
}

/** Finds changes of shot in planes that are added one by one. */
export interface ShotFinder {
  /**
   * Adds the next plane with its change from the one before. Returns the change of shot that is final now:
   * each at most `SHOT_LOOKAHEAD` planes late.
   */
  add(plane: Plane, change: Change | undefined): ShotChange | undefined;
}

/** A dissolve around candidate `middle`. */
interface Dissolve {
  readonly middle: number;
  readonly fit: number;
}

export function createShotFinder(): ShotFinder {
  const history = new PlaneHistory(SHOT_CONTEXT + SHOT_LOOKAHEAD);
  let last = Number.NEGATIVE_INFINITY; // number of the last change of shot
  let pending: (Dissolve & { readonly since: number }) | undefined;

  function finish(change: ShotChange): ShotChange {
    last = change.index;
    pending = undefined;
    return change;
  }

  function add(plane: Plane, change: Change | undefined): ShotChange | undefined {
    history.add(plane, change);
    const { newest } = history;
    if (isCut(history, newest - 2, last) || isNewSlide(history, newest - 2, last)) {
      return finish({ kind: 'cut', index: newest - 2, from: newest - 3 });
    }
    const page = nextPage(history, last);
    if (page) return finish(page);
    const dissolve = bestDissolve(history, last);
    if (dissolve && (!pending || dissolve.fit > pending.fit + BETTER_FIT)) {
      pending = { ...dissolve, since: newest };
    }
    const fade = pending ? undefined : fadeFromBlack(history, last);
    if (fade) return finish(fade);
    if (!pending || newest - pending.since < FINAL_AFTER) return undefined;
    if (goesOn(history, pending.middle, newest) && newest - pending.middle < HALF_DISSOLVE) return undefined;
    return finish(extentOf(history, pending.middle));
  }
  return { add };
}

function neighbours(index: number): readonly number[] {
  return [index - 2, index - 1, index + 1, index + 2];
}

function isCut(history: PlaneHistory, index: number, last: number): boolean {
  const here = history.newShare(index);
  if (here < NEW_SHOT_SHARE || index - last <= MIN_SHOT) return false;
  const around = neighbours(index).map((near) => history.newShare(near));
  if (here < PEAK_RATIO * Math.max(...around)) return false;
  return (
    history.newShareBetween(index - 1, index + 1) >= NEW_SHOT_SHARE &&
    history.newShareBetween(index - 2, index) >= NEW_SHOT_SHARE
  );
}

function isNewSlide(history: PlaneHistory, index: number, last: number): boolean {
  const here = history.replacedShare(index);
  if (here < NEW_SLIDE.least || index - last <= MIN_SHOT) return false;
  const around = neighbours(index).map((near) => history.replacedShare(near));
  return (
    Math.max(...around) <= NEW_SLIDE.mostAround &&
    history.replacedShareBetween(index - 1, index + 1) >= NEW_SLIDE.least
  );
}

/**
 * Another page after a few frames between two that stay on display, such as those of an animated change, of
 * whatever kind.
 */
function nextPage(history: PlaneHistory, last: number): ShotChange | undefined {
  const { newest } = history;
  const index = newest - STAYS;
  const stays = (until: number): boolean => {
    return Array.from({ length: STAYS }, (_, k) => until - k).every((at) => history.isRepeat(at));
  };
  if (!stays(newest) || history.isRepeat(index)) return undefined;
  let from = index - 1;
  while (index - from <= HALF_DISSOLVE && !history.isRepeat(from)) from--;
  if (index - from < 2 || from < last || !stays(from)) return undefined;
  const replaced = history.replacedShareBetween(from, index) >= NEW_SLIDE.least;
  if (!replaced && history.newShareBetween(from, index) < NEW_SHOT_SHARE) return undefined;
  return { kind: 'dissolve', index, from };
}

/** Whether a page that stood still at `from` has become another one that stands still at `to`. */
function isOtherPage(history: PlaneHistory, from: number, to: number): boolean {
  const still = [from, to].every((index) => history.isStill(index, DUPLICATE_BELOW));
  return still && history.replacedShareBetween(from, to) >= NEW_SHOT_SHARE;
}

/** The best dissolve that ends with the newest plane. */
function bestDissolve(history: PlaneHistory, last: number): Dissolve | undefined {
  const end = history.newest;
  let best: Dissolve | undefined;
  for (const length of DISSOLVE_LENGTHS) {
    const [a, mid, b] = [end - length, end - length / 2, end].map((index) => history.plane(index));
    if (!a || !mid || !b || end - length < last) continue;
    const fit = mixtureFit(a, mid, b);
    if (fit < MIN_MIXTURE_FIT || fadesOut(a, b)) continue;
    if (changedShare(comparePlanes(a, b)) < MIN_DISSOLVE_SHARE) continue;
    if (newContentShare(a, b) < NEW_SHOT_SHARE && !isOtherPage(history, end - length, end)) continue;
    if (!best || fit > best.fit + BETTER_LENGTH) best = { middle: end - length / 2, fit };
  }
  return best;
}

/** A fade through black, too short to be a mixture, after which the newest plane is steady. */
function fadeFromBlack(history: PlaneHistory, last: number): ShotChange | undefined {
  const { first, newest } = history;
  const isBlack = (index: number): boolean | undefined => history.plane(index)?.black;
  const isSteady =
    Math.abs(history.brightness(newest) - history.brightness(newest - 1)) < FADE_IN.steadyBelow;
  if (!isSteady || isBlack(newest - 1) !== false) return undefined;
  let black = newest - 2;
  while (black > newest - FADE_IN.within && isBlack(black) === false) black--;
  if (isBlack(black) !== true || black <= last) return undefined;
  let from = black;
  while (from > first && isBlack(from) === true) from--;
  const darkens = (index: number): boolean =>
    history.brightness(index - 1) > history.brightness(index) + FADE_IN.steadyBelow;
  while (from > first && black - from < HALF_DISSOLVE && darkens(from)) from--;
  const [before, now] = [history.plane(from), history.plane(newest)];
  if (!before || !now || before.black || newContentShare(before, now) < NEW_SHOT_SHARE) return undefined;
  return { kind: 'dissolve', index: newest - 1, from };
}

/**
 * Whether a dissolve around `middle` is still active at `index`: content is new there or, between pages of
 * text, replaced.
 */
function goesOn(history: PlaneHistory, middle: number, index: number): boolean {
  const [shortest] = DISSOLVE_LENGTHS;
  const near = Array.from({ length: 2 * shortest + 1 }, (_, k) => middle - shortest + k);
  const peak = Math.max(...near.map((at) => history.newShare(at)));
  if (peak >= ACTIVE.from) return history.newShare(index) >= ACTIVE.share * peak;
  return history.replacedShare(index) >= ACTIVE.from;
}

function extentOf(history: PlaneHistory, middle: number): ShotChange {
  const { first, newest } = history;
  let index = middle;
  while (index < newest && index - middle < HALF_DISSOLVE && goesOn(history, middle, index + 1)) index++;
  let from = middle;
  while (from > first && middle - from < HALF_DISSOLVE && goesOn(history, middle, from)) from--;
  return { kind: 'dissolve', index: Math.max(index, middle + 1), from };
}

/** Whether the image only disappears: the image that it changes to comes later. */
function fadesOut(a: Plane, b: Plane): boolean {
  const contentBlocks = (plane: Plane): number => plane.content.reduce((sum, block) => sum + block, 0);
  return b.black || (contentBlocks(b) < 0.4 * contentBlocks(a) && b.sharpness < 0.5 * a.sharpness);
}
