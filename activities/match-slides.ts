/** Finds out which slide of its deck each frame of a recorded lecture shows, and from when to when each slide is shown. */

import { digest } from '../core/canonical-json.ts';
import {
  alignSlides,
  createSlideMatcher,
  type IntegralLuma,
  integralLuma,
  MATCH_MAX_SIDE_PX,
  type MediaLimits,
  readImage,
} from '../media/index.ts';
import type { CpuActivities } from '../schema/activities.ts';
import type { ResultSlide } from '../schema/result.ts';
import type { Frame } from '../schema/source.ts';
import type { DeckFiles } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { slideMatchesName } from '../store/names.ts';
import { slideIntervals } from '../summary/intervals.ts';
import { extractionsOf, putJson, readJobFrames, withHeartbeat, withSlides } from './lib/index.ts';

/** Part of the name of what is found: raise it when the same frames would show other slides. */
const VERSION = 1;
/** Frames from all over the video in which the place of the slides is looked for. */
const SCOUT_FRAMES = 16;

/** The artifact of `matchSlides`. */
export interface ShownSlides {
  /** Number of the slide that each frame of the job shows; null for none. */
  readonly frames: readonly (number | null)[];
  /** Every slide of the deck, with the times at which it is shown. */
  readonly slides: readonly ResultSlide[];
}

export function createMatchSlides(deps: {
  readonly store: ArtifactStore;
  readonly limits: MediaLimits;
}): CpuActivities['matchSlides'] {
  const { store, limits } = deps;
  return (input) =>
    withHeartbeat(async (signal) => {
      const { deck, maxFrames, end } = input;
      const extractions = await extractionsOf(store, input, input.extractions);
      const { sha256, pdf, slideText, noImagesReason } = deck;
      const identity = {
        version: VERSION,
        sha256,
        pdf,
        slideText,
        noImagesReason,
        extractions,
        maxFrames,
        end,
      };
      const slideMatches = slideMatchesName(await digest(identity));
      if ((await store.head(slideMatches)) !== undefined) return { slideMatches };
      const { frames } = await readJobFrames(store, extractions, maxFrames);
      const { records, drawn } = await readDeck(deck, signal);
      const course = await match(frames, drawn, signal);
      const times = frames.map(({ time }) => time ?? 0);
      const slides = records.map((record) => {
        const intervals = slideIntervals(course, times, end, record.slide);
        return intervals.length === 0 ? record : { ...record, intervals: [...intervals] };
      });
      await putJson(store, slideMatches, { frames: course, slides } satisfies ShownSlides);
      return { slideMatches };
    });

  async function readDeck(deck: DeckFiles, signal: AbortSignal) {
    const records: ResultSlide[] = [];
    const drawn: { readonly slide: number; readonly luma: IntegralLuma }[] = [];
    await withSlides(deps, deck, async (read) => {
      for (let slide = 1; slide <= deck.pages; slide++) {
        signal.throwIfAborted();
        const { record, picture } = await read(slide, MATCH_MAX_SIDE_PX);
        records.push(record);
        if (picture) drawn.push({ slide, luma: integralLuma(picture) });
      }
    });
    return { records, drawn };
  }

  async function match(
    frames: readonly Frame[],
    drawn: Awaited<ReturnType<typeof readDeck>>['drawn'],
    signal: AbortSignal,
  ): Promise<readonly (number | null)[]> {
    if (drawn.length === 0 || frames.length === 0) return frames.map(() => null);
    const small = async ({ name }: Frame) =>
      readImage(await store.bytes(name), limits, { maxSide: MATCH_MAX_SIDE_PX });
    const scouts = [];
    const step = Math.max(1, frames.length / SCOUT_FRAMES);
    for (let at = 0; at < frames.length; at += step)
      scouts.push(await small(frames[Math.floor(at)] as Frame)); // below length
    const matcher = await createSlideMatcher(
      drawn.map(({ luma }) => luma),
      scouts,
    );
    const scores: Float32Array[] = [];
    for (const frame of frames) {
      signal.throwIfAborted();
      scores.push(matcher.score(await small(frame)));
    }
    return alignSlides(scores).map((index) => (index === undefined ? null : (drawn[index]?.slide ?? null)));
  }
}
