/** Stores slides one by one, so that a retry renders only the slides that are missing. */

import { digest } from '../../core/canonical-json.ts';
import { DEFAULT_MAX_SIDE_PX, encodeJpeg, type RgbImage } from '../../media/index.ts';
import { hdTransformSize } from '../../phi3v/index.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { Frame, FrameDecision } from '../../schema/source.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { FRAMES, slideName } from '../../store/names.ts';
import { isTextless } from '../../summary/transcript.ts';
import { allExist, findJson, putJson } from './artifacts.ts';
import { EXTRACTION_VERSION, type Extraction, type SlideGap } from './extraction.ts';
import { type ReadSlide, type SlideDeps, withSlides } from './slides.ts';

/** The artifact of a slide. `frame` is absent for a slide without image and text. */
interface StoredSlide {
  readonly record: ResultSlide;
  readonly frame?: Frame;
  readonly gaps: readonly SlideGap[];
}

/** The grey image in place of a slide without an image: size in pixels, and brightness. */
const PLACEHOLDER = { width: 672, height: 378, level: 0xe4 } as const;

/** Extracts the slides `numbers` of a deck, with images that are large enough for `crops` crops. */
export async function extractSlides(
  deps: SlideDeps,
  deck: DeckFiles,
  numbers: readonly number[],
  crops: number,
  signal: AbortSignal,
): Promise<Extraction> {
  const { store } = deps;
  // Large enough for the crops of a wide slide, and for display.
  const maxSide = Math.max(DEFAULT_MAX_SIDE_PX, hdTransformSize(1600, 900, crops).width);
  const { sha256, pdf, slideText, noImagesReason: reason } = deck;
  const nameOf = async (slide: number): Promise<string> =>
    slideName(await digest({ version: EXTRACTION_VERSION, sha256, pdf, slideText, reason, slide, maxSide }));

  const found = new Map<number, StoredSlide>();
  for (const slide of numbers) {
    const stored = await findJson<StoredSlide>(store, await nameOf(slide));
    const image = stored?.frame ? [stored.frame.name] : [];
    if (stored && (await allExist(store, image))) found.set(slide, stored);
  }
  const missing = numbers.filter((slide) => !found.has(slide));
  if (missing.length > 0) {
    await withSlides(deps, deck, async (read) => {
      for (const slide of missing) {
        signal.throwIfAborted();
        const stored = await publish(store, await read(slide, maxSide));
        await putJson(store, await nameOf(slide), stored);
        found.set(slide, stored);
      }
    });
  }
  return extractionOf(numbers.flatMap((slide) => found.get(slide) ?? []));
}

async function publish(store: ArtifactStore, { record, image, gaps }: ReadSlide): Promise<StoredSlide> {
  const displayed = image ?? (isTextless(record) ? undefined : placeholder());
  if (!displayed) return { record, gaps };
  const { name } = await store.putByContent(FRAMES, await encodeJpeg(displayed));
  const { width, height } = displayed;
  const mark = image ? {} : ({ placeholder: true } as const);
  return { record, frame: { name, width, height, slide: record.slide, ...mark }, gaps };
}

function placeholder(): RgbImage {
  const { width, height, level } = PLACEHOLDER;
  return { data: Buffer.alloc(width * height * 3, level), width, height };
}

function extractionOf(slides: readonly StoredSlide[]): Extraction {
  const decisions = slides.flatMap(({ frame }): readonly FrameDecision[] => {
    if (!frame?.slide) return [];
    const { slide, name } = frame;
    const kept = { slide, kept: true, difference: 1 } as const;
    // Nobody needs to see the placeholder: the list of frames has no image for the slide.
    return [frame.placeholder ? { ...kept, reason: 'placeholder' } : { ...kept, name, reason: 'first' }];
  });
  return {
    frames: slides.flatMap(({ frame }) => frame ?? []),
    decisions,
    slides: slides.map(({ record }) => record),
    gaps: slides.flatMap(({ gaps }) => gaps),
  };
}
