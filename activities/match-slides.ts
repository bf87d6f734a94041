/**
 * Matches the frames of a recorded lecture with the slides of its deck, and computes when each slide is
 * displayed.
 */

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

/** Part of the name of the result. Increase it when the same frames would match other slides. */
const VERSION = 1;
/** Number of frames, spread over the video, in which the position of the slides is searched. */
const SCOUT_FRAMES = 16;

/** The artifact of `matchSlides`. */
export interface SlideMatches {
  /** Number of the slide that each frame of the job displays, or null. */
  readonly frames: readonly (number | null)[];
  /** Every slide of the deck, with the intervals in which it is displayed. */
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
      const { records, rendered } = await readDeck(deck, signal);
      const course = await match(frames, rendered, signal);
      const times = frames.map(({ time }) => time ?? 0);
      const slides = records.map((record) => {
        const intervals = slideIntervals(course, times, end, record.slide);
        return intervals.length === 0 ? record : { ...record, intervals: [...intervals] };
      });
      await putJson(store, slideMatches, { frames: course, slides } satisfies SlideMatches);
      return { slideMatches };
    });

  async function readDeck(deck: DeckFiles, signal: AbortSignal) {
    const records: ResultSlide[] = [];
    const rendered: { readonly slide: number; readonly luma: IntegralLuma }[] = [];
    await withSlides(deps, deck, async (read) => {
      for (let slide = 1; slide <= deck.pages; slide++) {
        signal.throwIfAborted();
        const { record, image } = await read(slide, MATCH_MAX_SIDE_PX);
        records.push(record);
        if (image) rendered.push({ slide, luma: integralLuma(image) });
      }
    });
    return { records, rendered };
  }

  async function match(
    frames: readonly Frame[],
    rendered: Awaited<ReturnType<typeof readDeck>>['rendered'],
    signal: AbortSignal,
  ): Promise<readonly (number | null)[]> {
    if (rendered.length === 0 || frames.length === 0) return frames.map(() => null);
    const small = async ({ name }: Frame) =>
      readImage(await store.bytes(name), limits, { maxSide: MATCH_MAX_SIDE_PX });
    const scouts = [];
    const step = Math.max(1, frames.length / SCOUT_FRAMES);
    for (let at = 0; at < frames.length; at += step)
      scouts.push(await small(frames[Math.floor(at)] as Frame)); // below length
    const matcher = await createSlideMatcher(
      rendered.map(({ luma }) => luma),
      scouts,
    );
    const scores: Float32Array[] = [];
    for (const frame of frames) {
      signal.throwIfAborted();
      scores.push(matcher.score(await small(frame)));
    }
    return alignSlides(scores).map((index) =>
      index === undefined ? null : (rendered[index]?.slide ?? null),
    );
  }
}
