/**
 * The policies that follow change: `adaptive` and `scene`. docs/media.md states them for readers; the rules are
 * here. Candidates come at five a second (`STEP`), and a decision is made once the next `LOOKAHEAD` of them are known.
 *
 * Decisions are taken window by window. Each window begins anew: with the candidates of the last seconds before it as
 * context, and with the last of them as the picture that counts as kept. So a window's decisions depend on the video alone,
 * not on where extraction began, and windows can be worked on at the same time.
 */
import type { FrameDecision } from '../../schema/source.ts';
import type { RgbImage } from '../images/index.ts';
import { DUPLICATE_BELOW } from './difference.ts';
import { createMotionMask, type MotionMask } from './motion-mask.ts';
import { novelty } from './new-content.ts';
import { type Change, changedShare, comparePlanes, type Plane } from './plane.ts';
import { createShotFinder, SHOT_LOOKAHEAD, type ShotChange } from './shots.ts';

/** Seconds between candidates. */
export const STEP = 0.2;
/** Candidates known after the one decided on. */
export const LOOKAHEAD = SHOT_LOOKAHEAD;
/** Candidates before a window that are its context. */
export const CONTEXT = 20;

/**
 * How far behind its moment a picture may be taken, in candidates, where it is sharper or more settled: a change of shot must
 * be kept within half a second.
 */
const PICK = { shot: 1, moving: 2 } as const;
/** How long a black picture waits for another one, in candidates. */
const BLACK_WAIT = 5;
/** A sharper picture is taken if it is so much sharper. */
const SHARPER = 1.1;
/** Seconds between pictures while something new keeps coming: the first, and the most it grows to. */
const PACE = { first: 1.5, most: 4 } as const;
/** The same while only known places move: a speaker, a clip in a corner; and where that is next to nothing: a cursor. */
const MOTION_PACE = { first: 2, most: 8, mostForLittle: 32 } as const;
/** Share of the blocks up to which what moves is next to nothing. */
const LITTLE = 0.01;
/** Candidates without any change after which motion has come to rest. */
const REST = 4;
/** Seconds after a kept picture from which a moment of rest is enough for the next one; grows while there is no real rest. */
const SETTLES_AFTER = { first: 1, growth: 1.5, most: 4 } as const;
/** Longest dissolve, in candidates, of which no picture is taken: longer ones are worth one. */
const SHORT_DISSOLVE = 8;

/** A candidate as the driver hands it on: times from the first shown frame, the change from the one before computed once. */
export interface Seen {
  readonly time: number;
  readonly plane: Plane;
  readonly step: Change | undefined;
  image(): Promise<RgbImage>;
}

export interface Decision extends Pick<FrameDecision, 'kept' | 'reason' | 'difference' | 'score'> {
  readonly seen: Seen;
}

export interface ChangeSampler {
  /** Adds the next candidate; answers the decisions that are certain now, in order. */
  add(seen: Seen): readonly Decision[];
  /** No candidate follows. */
  end(): readonly Decision[];
}

export interface ChangeSamplerOptions {
  readonly mode: 'adaptive' | 'scene';
  /** Reason given for the first picture of a window without context, which is kept whatever it shows. */
  readonly opening: 'first' | 'chunk_start';
  /** Candidates before the window, oldest first; none where it begins a chunk. */
  readonly context: readonly Seen[];
  /** End of the window: candidates from there on are only looked at. */
  readonly until: number;
}

export function createChangeSampler({ mode, opening, context, until }: ChangeSamplerOptions): ChangeSampler {
  const shots = createShotFinder();
  let restless: MotionMask | undefined;
  const queue: Seen[] = []; // queue[0] is the next to decide on; those behind it are its future
  const changes: ShotChange[] = [];
  let added = 0;
  let decided = 0; // number of queue[0]
  let reference: Seen | undefined;
  let keptAt = Number.NEGATIVE_INFINITY;
  let unrestSince: number | undefined;
  let pace: number = PACE.first;
  let motionPace: number = MOTION_PACE.first;
  let settlesAfter: number = SETTLES_AFTER.first;
  /** A picture chosen ahead: everything before it is passed over. */
  let chosen: { readonly index: number; readonly reason: Decision['reason'] } | undefined;

  for (const [index, seen] of context.entries()) {
    meet(seen);
    if (index > 0) unrest(seen); // what came before the context is not known to all
  }
  decided = added;
  reference = context.at(-1);
  keptAt = reference?.time ?? keptAt;

  function meet(seen: Seen): void {
    const change = shots.add(seen.plane, seen.step);
    if (change) changes.push(change);
    added++;
  }

  function unrest({ plane, step }: Seen): void {
    restless ??= createMotionMask(plane);
    if (step) restless.add(step);
  }
  const calmest = (change: Change): number => restless?.maxStaticChange(change) ?? change.max;

  function add(seen: Seen): readonly Decision[] {
    meet(seen);
    queue.push(seen);
    return queue.length > LOOKAHEAD ? decide() : [];
  }

  function end(): readonly Decision[] {
    const verdicts: Decision[] = [];
    while (queue.length > 0) verdicts.push(...decide());
    return verdicts;
  }

  function decide(): readonly Decision[] {
    const [seen] = queue;
    if (!seen || seen.time >= until) {
      queue.shift();
      return [];
    }
    const verdict = judge(seen);
    unrest(seen);
    queue.shift();
    decided++;
    while ((changes[0]?.index ?? decided) < decided) changes.shift();
    return [verdict];
  }

  /** Whether candidate `ahead` of the present one belongs to the window. */
  const within = (ahead: number): boolean => (queue[ahead]?.time ?? until) < until;
  /** Whether nothing changes in the `count` steps after candidate `ahead`, places that always move aside if `calm`. */
  const still = (ahead: number, count: number, calm: boolean): boolean =>
    queue.slice(ahead + 1, ahead + 1 + count).every(({ step }) => {
      if (!step) return true;
      return (calm ? calmest(step) : step.max) < DUPLICATE_BELOW;
    });

  function judge(seen: Seen): Decision {
    const change = reference ? comparePlanes(reference.plane, seen.plane) : undefined;
    const drop = (reason: Decision['reason']): Decision => verdictOf(seen, change, false, reason);

    if (chosen && chosen.index > decided) return drop('transition');
    if (chosen?.index === decided) return keep(seen, change, chosen.reason);
    if (!reference || !change) {
      if (waitsForLight()) return drop('black');
      return keep(seen, change, opening);
    }
    const shot = changes.find(({ index }) => index === decided);
    if (shot) return choose(seen, change, shot.kind);
    if (
      changes.some(({ index, from }) => from < decided && decided < index && index - from <= SHORT_DISSOLVE)
    )
      return drop('transition');
    if (mode === 'scene') return drop(change.max < DUPLICATE_BELOW ? 'duplicate' : 'same_shot');
    return follow(seen, change, drop);
  }

  function follow(seen: Seen, change: Change, drop: (reason: Decision['reason']) => Decision): Decision {
    if (change.max < DUPLICATE_BELOW) {
      unrestSince = undefined;
      if (still(0, REST, false)) rest();
      return drop('duplicate');
    }
    if (waitsForLight()) return drop('black');
    unrestSince ??= seen.time;
    const waited = seen.time - Math.max(keptAt, unrestSince);
    const rests = still(0, REST, false);
    const isNew = calmest(change) >= DUPLICATE_BELOW;
    const last = !within(1);
    const settles = isNew && still(0, 1, true) && seen.time - keptAt >= settlesAfter - STEP / 2;
    if (rests || settles || (isNew && last)) {
      if (rests) rest();
      else settlesAfter = Math.min(SETTLES_AFTER.most, SETTLES_AFTER.growth * settlesAfter);
      return keep(seen, change, 'changed');
    }
    if (isNew || (waited >= PACE.first - STEP && reference && novelty(reference.plane, seen.plane) >= 0.5)) {
      if (waited < pace - STEP / 2) return drop('moving');
      pace = Math.min(PACE.most, 2 * pace);
      return choose(seen, change, 'moving');
    }
    if (waited < motionPace - STEP / 2) return drop('moving');
    const most = changedShare(change) < LITTLE ? MOTION_PACE.mostForLittle : MOTION_PACE.most;
    motionPace = Math.min(most, 2 * motionPace);
    return choose(seen, change, 'moving');
  }

  function rest(): void {
    pace = PACE.first;
    motionPace = MOTION_PACE.first;
    settlesAfter = SETTLES_AFTER.first;
  }

  /** Keeps the present candidate or one right behind it: the first that is settled, else the sharpest; none that is black. */
  function choose(seen: Seen, change: Change, reason: Decision['reason']): Decision {
    if (reason !== 'moving') rest();
    const most = reason === 'moving' ? PICK.moving : PICK.shot;
    let best = 0;
    for (let ahead = 0; ahead <= most && within(ahead); ahead++) {
      const [here, so] = [queue[ahead], queue[best]];
      if (!here || !so) break;
      if (ahead > 0 && changes.some(({ index }) => index === decided + ahead)) break;
      if (
        ahead > 0 &&
        !here.plane.black &&
        (so.plane.black || here.plane.sharpness > SHARPER * so.plane.sharpness)
      )
        best = ahead;
      if (!here.plane.black && reason !== 'moving' && still(ahead, 1, false)) {
        if (here.plane.sharpness >= (queue[best]?.plane.sharpness ?? 0)) best = ahead;
        break;
      }
    }
    if (queue[best]?.plane.black && waitsForLight()) return verdictOf(seen, change, false, 'black');
    if (best === 0) return keep(seen, change, reason);
    chosen = { index: decided + best, reason };
    return verdictOf(seen, change, false, 'transition');
  }

  /** Whether the present candidate is black and another, soon, is not. */
  function waitsForLight(): boolean {
    if (!queue[0]?.plane.black) return false;
    return queue.slice(1, 1 + BLACK_WAIT).some(({ plane, time }) => !plane.black && time < until);
  }

  function keep(seen: Seen, change: Change | undefined, reason: Decision['reason']): Decision {
    const verdict = verdictOf(seen, change, true, reason);
    reference = seen;
    keptAt = seen.time;
    unrestSince = undefined;
    chosen = undefined;
    return verdict;
  }

  function verdictOf(
    seen: Seen,
    change: Change | undefined,
    kept: boolean,
    reason: Decision['reason'],
  ): Decision {
    const difference = change?.max ?? 1;
    if (!kept || !reference || !change) return { seen, kept, reason, difference, score: kept ? 1 : 0 };
    return { seen, kept, reason, difference, score: scoreOf(reason, change, reference.plane, seen.plane) };
  }

  return { add, end };
}

/**
 * What a picture is worth when there are too many, 0 to 1: how strong and how large the change from the picture kept before
 * it is. A change of shot or slide is worth more than anything within one, and that more than a sample of motion.
 */
function scoreOf(reason: Decision['reason'], change: Change, before: Plane, now: Plane): number {
  const amount = (change.max + Math.max(changedShare(change), novelty(before, now))) / 2;
  const value =
    reason === 'cut' || reason === 'dissolve'
      ? 0.5 + amount / 2
      : reason === 'moving'
        ? amount / 4
        : 0.25 + amount / 4;
  return Math.round(value * 1000) / 1000;
}
