/**
 * Finds which slide of the deck each frame of a recorded lecture shows, if any. A frame shows a slide where
 * the details of both agree. Between slides of one template, and in doubt, the order of the deck decides:
 * lectures proceed forward, slide by slide, and rarely back.
 */
import type { RgbImage } from '../images/index.ts';
import { findRegions, fullRegion } from './slide-regions.ts';
import {
  COARSE,
  FINE,
  type IntegralLuma,
  integralLuma,
  type Region,
  signatureOf,
  similarity,
} from './slide-signature.ts';

/** Long side of the images that are compared. */
export const MATCH_MAX_SIDE_PX = 320;

/** Similarity from which a frame more likely shows a slide than none. */
const MIN_SIMILARITY = 0.5;
/**
 * Cost of a transition, on the scale of similarity: to the next slide, further on, back, to or from no slide.
 */
const COST = { next: 0.02, forward: 0.06, back: 0.1, none: 0.04 } as const;
/** Slides with the highest coarse similarity that are compared at the fine resolution. */
const FINE_CANDIDATES = 12;
/** Frames in which the position of slides is searched, and most slides that are tried there. */
const SAMPLE_FRAMES = 16;
const SAMPLE_SLIDES = 120;

const WHOLE: Region = { x: 0, y: 0, width: 1, height: 1 };

/** Compares frames with the slides of one deck. */
export interface SlideMatcher {
  /**
   * Returns the similarity of a frame to each slide, 0 to 1. The long side of `frame` is `MATCH_MAX_SIDE_PX`.
   */
  score(frame: RgbImage): Float32Array;
}

/**
 * Creates a matcher for `slides`, the result of `integralLuma` for each image. It finds the region in which
 * `samples`, frames from the whole lecture, show slides, and compares frames there.
 */
export async function createSlideMatcher(
  slides: readonly IntegralLuma[],
  samples: readonly RgbImage[],
): Promise<SlideMatcher> {
  const frames = pick(samples, SAMPLE_FRAMES).map(integralLuma);
  const [first] = slides;
  const regions =
    first && frames[0]
      ? await findRegions(pick(slides, SAMPLE_SLIDES), frames, fullRegion(first, frames[0]))
      : [WHOLE];
  const coarse = slides.map((slide) => signatureOf(slide, WHOLE, COARSE));
  const fine = slides.map((slide) => signatureOf(slide, WHOLE, FINE));
  return {
    score(frame) {
      const luma = integralLuma(frame);
      const scores = new Float32Array(slides.length);
      for (const region of regions) {
        const [far, near] = [signatureOf(luma, region, COARSE), signatureOf(luma, region, FINE)];
        if (!far || !near) continue;
        const similar = coarse
          .map((slide, index) => ({ index, score: slide ? similarity(slide, far) : -1 }))
          .sort((a, b) => b.score - a.score)
          .slice(0, FINE_CANDIDATES);
        for (const { index } of similar) {
          const slide = fine[index];
          if (slide) scores[index] = Math.max(scores[index] ?? 0, similarity(slide, near));
        }
      }
      return scores;
    },
  };
}

/**
 * Returns the index of the slide, from 0, that each frame shows; undefined where it shows none. `scores` are
 * the results of `SlideMatcher.score` in the order of the frames. Finds the most likely sequence of slides
 * (Viterbi algorithm) in O(frames × slides).
 */
export function alignSlides(scores: readonly Float32Array[]): readonly (number | undefined)[] {
  const count = scores[0]?.length ?? 0;
  const none = count;
  let costs = new Float64Array(count + 1);
  const predecessors: Int32Array[] = [];
  for (const frame of scores) {
    const from = new Int32Array(count + 1);
    const next = new Float64Array(count + 1);
    const cheapest = argMin(costs, 0, count + 1);
    const cheapestLater = suffixMinima(costs, count);
    let before = -1; // cheapest slide before this one
    for (let slide = 0; slide < count; slide++) {
      const transitions: readonly (readonly [state: number, cost: number])[] = [
        [slide, 0],
        [none, COST.none],
        [slide - 1, COST.next],
        [before, COST.forward],
        [cheapestLater[slide + 1] ?? -1, COST.back],
      ];
      const [state, cost] = cheapestTransition(costs, transitions);
      from[slide] = state;
      next[slide] = cost + 1 - (frame[slide] ?? 0);
      if (before < 0 || (costs[slide] ?? 0) < (costs[before] ?? 0)) before = slide;
    }
    const [state, cost] = cheapestTransition(costs, [
      [none, 0],
      [cheapest, COST.none],
    ]);
    from[none] = state;
    next[none] = cost + 1 - MIN_SIMILARITY;
    costs = next;
    predecessors.push(from);
  }
  const sequence: (number | undefined)[] = [];
  let state = argMin(costs, 0, count + 1);
  for (const from of predecessors.toReversed()) {
    sequence.push(state === none ? undefined : state);
    state = from[state] ?? none;
  }
  return sequence.reverse();
}

function cheapestTransition(
  costs: Float64Array,
  transitions: readonly (readonly [state: number, cost: number])[],
): readonly [state: number, cost: number] {
  let best: readonly [number, number] = [-1, Number.POSITIVE_INFINITY];
  for (const [state, extra] of transitions) {
    if (state < 0) continue;
    const cost = (costs[state] ?? Number.POSITIVE_INFINITY) + extra;
    if (cost < best[1]) best = [state, cost];
  }
  return best;
}

/** For each index the cheapest state from there on, among the first `count`; -1 after the last. */
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

/** Returns at most `most` items, evenly spaced. */
function pick<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  // Within the list.
  return Array.from({ length: most }, (_, index) => items[Math.floor((index * items.length) / most)] as T);
}
