/**
 * Tells which slide of its deck each frame of a recorded lecture shows, if any. A frame shows a slide when the details of one are
 * found in the other; between slides of one template, and in doubt, the order of the deck decides: lectures go forward, one by
 * one, and rarely back.
 */
import type { RgbImage } from '../images/index.ts';
import { findRegions, fullRegion } from './slide-regions.ts';
import {
  COARSE,
  FINE,
  type IntegralLuma,
  integralLuma,
  likeness,
  type Region,
  signatureOf,
} from './slide-signature.ts';

/** Long side of the pictures that are compared, in pixels. */
export const MATCH_MAX_SIDE_PX = 320;

/** Likeness of a frame to a slide from which on it rather shows it than none. */
const SHOWN = 0.5;
/** What a change costs, against the likeness of one frame: to the next slide, further on, back, to no slide and from none. */
const COST = { next: 0.02, forward: 0.06, back: 0.1, none: 0.04 } as const;
/** Slides that are compared closely, of those that are alike at a distance. */
const CLOSE = 12;
/** Frames in which the place of the slides is looked for, and most slides that are tried there. */
const SCOUTS = 16;
const SCOUTED = 120;

const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 };

/** Slides, ready to be found in frames. */
export interface SlideMatcher {
  /** How alike a frame is to each slide, 0 to 1. */
  score(frame: RgbImage): Float32Array;
}

/** Finds where `scouts`, frames from all over the lecture, show the slides, and compares there. */
export async function createSlideMatcher(
  slides: readonly IntegralLuma[],
  scouts: readonly RgbImage[],
): Promise<SlideMatcher> {
  const frames = pick(scouts, SCOUTS).map(integralLuma);
  const [first] = slides;
  const places =
    first && frames[0]
      ? await findRegions(pick(slides, SCOUTED), frames, fullRegion(first, frames[0]))
      : [WHOLE];
  const coarse = slides.map((slide) => signatureOf(slide, WHOLE, COARSE));
  const fine = slides.map((slide) => signatureOf(slide, WHOLE, FINE));
  return {
    score(frame) {
      const lumas = integralLuma(frame);
      const scores = new Float32Array(slides.length);
      for (const place of places) {
        const [far, near] = [signatureOf(lumas, place, COARSE), signatureOf(lumas, place, FINE)];
        if (!far || !near) continue;
        const alike = coarse
          .map((slide, index) => ({ index, score: slide ? likeness(slide, far) : -1 }))
          .sort((a, b) => b.score - a.score)
          .slice(0, CLOSE);
        for (const { index } of alike) {
          const slide = fine[index];
          if (slide) scores[index] = Math.max(scores[index] ?? 0, likeness(slide, near));
        }
      }
      return scores;
    },
  };
}

/**
 * The slide, from 0, that each frame shows; undefined where it shows none. The most likely course through all frames (Viterbi),
 * in time that grows with frames times slides.
 */
export function alignSlides(scores: readonly Float32Array[]): readonly (number | undefined)[] {
  const count = scores[0]?.length ?? 0;
  const none = count;
  let costs = new Float64Array(count + 1);
  const came: Int32Array[] = [];
  for (const frame of scores) {
    const from = new Int32Array(count + 1);
    const next = new Float64Array(count + 1);
    const cheapest = argMin(costs, 0, count + 1);
    const behind = suffixMinima(costs, count);
    let before = -1; // cheapest slide in front of this one
    for (let slide = 0; slide < count; slide++) {
      const ways: readonly (readonly [state: number, cost: number])[] = [
        [slide, 0],
        [none, COST.none],
        [slide - 1, COST.next],
        [before, COST.forward],
        [behind[slide + 1] ?? -1, COST.back],
      ];
      const [state, cost] = cheapestWay(costs, ways);
      from[slide] = state;
      next[slide] = cost + 1 - (frame[slide] ?? 0);
      if (before < 0 || (costs[slide] ?? 0) < (costs[before] ?? 0)) before = slide;
    }
    const [state, cost] = cheapestWay(costs, [
      [none, 0],
      [cheapest, COST.none],
    ]);
    from[none] = state;
    next[none] = cost + 1 - SHOWN;
    costs = next;
    came.push(from);
  }
  const course: (number | undefined)[] = [];
  let state = argMin(costs, 0, count + 1);
  for (const from of came.toReversed()) {
    course.push(state === none ? undefined : state);
    state = from[state] ?? none;
  }
  return course.reverse();
}

function cheapestWay(
  costs: Float64Array,
  ways: readonly (readonly [state: number, cost: number])[],
): readonly [state: number, cost: number] {
  let best: readonly [number, number] = [-1, Number.POSITIVE_INFINITY];
  for (const [state, extra] of ways) {
    if (state < 0) continue;
    const cost = (costs[state] ?? Number.POSITIVE_INFINITY) + extra;
    if (cost < best[1]) best = [state, cost];
  }
  return best;
}

/** For each place the cheapest state from there on, among the first `count`; -1 behind the last. */
function suffixMinima(costs: Float64Array, count: number): Int32Array {
  const minima = new Int32Array(count + 1).fill(-1);
  for (let at = count - 1; at >= 0; at--) {
    const later = minima[at + 1] ?? -1;
    minima[at] = later >= 0 && (costs[later] ?? 0) < (costs[at] ?? 0) ? later : at;
  }
  return minima;
}

function argMin(values: Float64Array, from: number, until: number): number {
  let best = from;
  for (let at = from; at < until; at++) if ((values[at] ?? 0) < (values[best] ?? 0)) best = at;
  return best;
}

/** At most `most` of the items, from all over the list. */
function pick<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)] as T); // within the list
}
