/**
 * Where one shot, or one slide, gives way to another. Candidates come at five a second; what counts is how much of the
 * picture is new (`novelty`), so that cameras and people may move.
 *  - A cut: most of it is new at once, more than before and after, and it does not come back (a flash does).
 *  - Another slide: text is made of the same strokes everywhere, so here counts what was there and is not (`replaced`); but
 *    only between moments of rest, because that measure takes all motion for change.
 *  - A short fade through black: what comes up is new against what went down.
 *  - A dissolve or fade: most of it is new over a longer stretch whose middle is the mixture of its ends (`blend`).
 */
import { DUPLICATE_BELOW } from './difference.ts';
import { blend, novelty } from './new-content.ts';
import { type Change, changedShare, comparePlanes, type Plane, replacedShare } from './plane.ts';

/** Least share of a picture that is new after a change of shot. */
const NEW_SHOT = 0.5;
/** How much more than its neighbours a cut is. */
const PEAK = 1.4;
/** Least share of a slide that another slide replaces, and the most that motion may replace around it. */
const NEW_SLIDE = { least: 0.5, around: 0.2 } as const;
/** Candidates over which dissolves are looked for: 0.8, 1.6, 2.4 and 3.2 seconds. */
const LAGS = [4, 8, 12, 16] as const;
/** Least fit of the middle of a dissolve. */
const MIXTURE = 0.6;
/** Candidates within which two changes are one: no shot is shorter than 0.6 s. */
const APART = 2;

/** Least share of a picture that a dissolve changes; things that move slowly over a plain ground are smaller. */
const LARGE = 0.1;
/** How much better a longer dissolve must fit to be taken for a shorter one around the same middle. */
const BETTER = 0.1;
/** How much is new, of the most around its middle, while a dissolve lasts; and the candidates in half of the longest one. */
const ACTIVE = { from: 0.15, share: 0.3 } as const;
const HALF = 8;

/** Candidates after a black one within which the picture has come up again, and the change of mean luma of one that stands. */
const COMES_UP = { within: 8, stands: 2 } as const;

/** Candidates before and after one that are looked at. */
export const SHOT_CONTEXT = 16;
export const SHOT_LOOKAHEAD = 12;

export interface ShotChange {
  readonly kind: 'cut' | 'dissolve';
  /** Number of the first candidate that shows only the new shot. */
  readonly index: number;
  /** Number of the last one that shows only the old shot. */
  readonly from: number;
}

/** Finds the changes of shot among planes that are added one by one. */
export interface ShotFinder {
  /** Adds the next plane and its change from the one before; answers the change that is certain now. Each comes at most `SHOT_LOOKAHEAD` planes late. */
  add(plane: Plane, change: Change | undefined): ShotChange | undefined;
}

export function createShotFinder(): ShotFinder {
  const planes: Plane[] = [];
  const steps: number[] = []; // how much of each plane is new
  const turns: number[] = []; // how much of what was on the one before is not on it
  const moved: number[] = []; // the most any place of each has changed
  let first = 0; // number of planes[0]
  let last = Number.NEGATIVE_INFINITY; // number of the last change
  let fit:
    | { readonly middle: number; readonly lag: number; readonly strength: number; since: number }
    | undefined;

  const at = (index: number): Plane | undefined => planes[index - first];
  const step = (index: number): number => steps[index - first] ?? 0;
  /** Whether a dissolve around `middle` goes on at `index`: what is new there, or, between pages of text, replaced. */
  function goesOn(middle: number, index: number): boolean {
    const near = Array.from({ length: 2 * LAGS[0] + 1 }, (_, k) => middle - LAGS[0] + k);
    const peak = Math.max(...near.map(step));
    if (peak >= ACTIVE.from) return step(index) >= ACTIVE.share * peak;
    return (turns[index - first] ?? 0) >= ACTIVE.from;
  }
  const between = (a: number, b: number): number => {
    const [from, to] = [at(a), at(b)];
    return from && to ? novelty(from, to) : 1; // outside: nothing speaks against it
  };

  const replacedBetween = (a: number, b: number): number => {
    const [from, to] = [at(a), at(b)];
    return from && to ? replacedShare(from, comparePlanes(from, to)) : 1;
  };

  function isNewSlide(index: number): boolean {
    const here = turns[index - first] ?? 0;
    if (here < NEW_SLIDE.least || index - last <= APART) return false;
    const around = [index - 2, index - 1, index + 1, index + 2].map((near) => turns[near - first] ?? 0);
    return (
      Math.max(...around) <= NEW_SLIDE.around && replacedBetween(index - 1, index + 1) >= NEW_SLIDE.least
    );
  }

  function isCut(index: number): boolean {
    const here = step(index);
    if (here < NEW_SHOT || index - last <= APART) return false;
    const around = [index - 2, index - 1, index + 1, index + 2].map(step);
    if (here < PEAK * Math.max(...around)) return false;
    return between(index - 1, index + 1) >= NEW_SHOT && between(index - 2, index) >= NEW_SHOT;
  }

  /** Whether a page that stood still at `from` has become another one that stands still at `to`. */
  function isOtherPage(from: number, to: number): boolean {
    const stands = [from, to].every((index) => (moved[index - first] ?? 1) < DUPLICATE_BELOW);
    return stands && replacedBetween(from, to) >= NEW_SHOT;
  }

  /** The best dissolve that ends with the newest plane, `index`. */
  function mixture(index: number): { middle: number; lag: number; strength: number } | undefined {
    let best: { middle: number; lag: number; strength: number } | undefined;
    for (const lag of LAGS) {
      const [a, mid, b] = [at(index - lag), at(index - lag / 2), at(index)];
      if (!a || !mid || !b || index - lag < last) continue;
      const mixed = blend(a, mid, b);
      if (mixed < MIXTURE || fadesOut(a, b)) continue;
      if (changedShare(comparePlanes(a, b)) < LARGE) continue;
      if (novelty(a, b) < NEW_SHOT && !isOtherPage(index - lag, index)) continue;
      if (!best || mixed > best.strength + 0.05) best = { middle: index - lag / 2, lag, strength: mixed };
    }
    return best;
  }

  /** A fade through black, too short to be a mixture, after which the newest plane, `index`, stands. */
  function fromBlack(index: number): ShotChange | undefined {
    const brightness = (number: number): number => meanOf(at(number));
    const stands = Math.abs(brightness(index) - brightness(index - 1)) < COMES_UP.stands;
    if (!stands || at(index - 1)?.black !== false) return undefined;
    let black = index - 2;
    while (black > index - COMES_UP.within && at(black)?.black === false) black--;
    if (at(black)?.black !== true || black <= last) return undefined;
    let from = black;
    while (from > first && at(from)?.black === true) from--;
    while (from > first && black - from < HALF && brightness(from - 1) > brightness(from) + COMES_UP.stands)
      from--;
    const [before, now] = [at(from), at(index)];
    if (!before || !now || before.black || novelty(before, now) < NEW_SHOT) return undefined;
    return { kind: 'dissolve', index: index - 1, from };
  }

  function add(plane: Plane, change: Change | undefined): ShotChange | undefined {
    const before = planes.at(-1);
    planes.push(plane);
    steps.push(before ? novelty(before, plane) : 0);
    moved.push(change?.max ?? 1);
    turns.push(before && change ? replacedShare(before, change) : 0);
    if (planes.length > SHOT_CONTEXT + SHOT_LOOKAHEAD) {
      planes.shift();
      steps.shift();
      turns.shift();
      moved.shift();
      first++;
    }
    const newest = first + planes.length - 1;
    if (isCut(newest - 2) || isNewSlide(newest - 2)) {
      last = newest - 2;
      fit = undefined;
      return { kind: 'cut', index: last, from: last - 1 };
    }
    const found = mixture(newest);
    if (found && (!fit || found.strength > fit.strength + BETTER)) fit = { ...found, since: newest };
    const risen = fit ? undefined : fromBlack(newest);
    if (risen) {
      last = risen.index;
      return risen;
    }
    // Certain once nothing fits better for as long as the shortest dissolve lasts, and the new shot stands.
    if (!fit || newest - fit.since < 3) return undefined;
    const { middle } = fit;
    if (goesOn(middle, newest) && newest - middle < HALF) return undefined;
    let index = middle;
    while (index < newest && index - middle < HALF && goesOn(middle, index + 1)) index++;
    let from = middle;
    while (from > first && middle - from < HALF && goesOn(middle, from)) from--;
    fit = undefined;
    last = Math.max(index, middle + 1);
    return { kind: 'dissolve', index: last, from };
  }
  return { add };
}

function meanOf(plane: Plane | undefined): number {
  return plane ? plane.sums.reduce((sum, block) => sum + block, 0) / (16 * plane.sums.length) : 0;
}

/** Whether the picture only goes: what it goes to, comes later. */
function fadesOut(a: Plane, b: Plane): boolean {
  const stands = (plane: Plane): number => plane.content.reduce((sum, here) => sum + here, 0);
  return b.black || (stands(b) < 0.4 * stands(a) && b.sharpness < 0.5 * a.sharpness);
}
