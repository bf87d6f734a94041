/** Publishes slides one by one, so that a lost worker costs one of them: what was drawn before is found again. */

import { digest } from '../../core/canonical-json.ts';
import { DEFAULT_MAX_SIDE_PX, encodeJpeg, type MediaLimits, type RgbImage } from '../../media/index.ts';
import { hdTransformSize } from '../../phi3v/index.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { Frame, FrameDecision } from '../../schema/source.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { FRAMES, slideName } from '../../store/names.ts';
import { isTextless } from '../../summary/transcript.ts';
import { allExist, findJson, putJson } from './artifacts.ts';
import { EXTRACTION_VERSION, type Extraction, type SlideGap } from './extraction.ts';
import { type ReadSlide, withSlides } from './slides.ts';

/** What one slide left: its picture is absent where it has neither picture nor words. */
interface StoredSlide {
  readonly record: ResultSlide;
  readonly frame?: Frame;
  readonly gap?: SlideGap;
}

/** Side of the picture that stands for a slide without one; its grey says that nothing is missing from it. */
const PLACEHOLDER = { width: 672, height: 378, level: 0xe4 } as const;

/** Draws these slides of a deck, for pictures of `crops` crops. */
export async function extractSlides(
  deps: { readonly store: ArtifactStore; readonly limits: MediaLimits },
  deck: DeckFiles,
  numbers: readonly number[],
  crops: number,
  signal: AbortSignal,
): Promise<Extraction> {
  const { store } = deps;
  // As large as the crops of a wide slide can show, and large enough to be looked at.
  const maxSide = Math.max(DEFAULT_MAX_SIDE_PX, hdTransformSize(1600, 900, crops).width);
  const { sha256, pdf, slideText, noImagesReason: reason } = deck;
  const nameOf = async (slide: number): Promise<string> =>
    slideName(await digest({ version: EXTRACTION_VERSION, sha256, pdf, slideText, reason, slide, maxSide }));

  const found = new Map<number, StoredSlide>();
  for (const slide of numbers) {
    const stored = await findJson<StoredSlide>(store, await nameOf(slide));
    const picture = stored?.frame ? [stored.frame.name] : [];
    if (stored && (await allExist(store, picture))) found.set(slide, stored);
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

async function publish(store: ArtifactStore, { record, picture, gap }: ReadSlide): Promise<StoredSlide> {
  const lost = gap === undefined ? {} : { gap };
  const shown = picture ?? (isTextless(record) ? undefined : placeholder());
  if (!shown) return { record, ...lost };
  const { name } = await store.putByContent(FRAMES, await encodeJpeg(shown));
  const { width, height } = shown;
  const mark = picture ? {} : ({ placeholder: true } as const);
  return { record, frame: { name, width, height, slide: record.slide, ...mark }, ...lost };
}

function placeholder(): RgbImage {
  const { width, height, level } = PLACEHOLDER;
  return { data: Buffer.alloc(width * height * 3, level), width, height };
}

function extractionOf(slides: readonly StoredSlide[]): Extraction {
  const decisions = slides.flatMap(({ frame }): readonly FrameDecision[] => {
    if (!frame?.slide) return [];
    const reason = frame.placeholder ? 'placeholder' : 'first';
    return [{ slide: frame.slide, name: frame.name, kept: true, reason, difference: 1 }];
  });
  return {
    frames: slides.flatMap(({ frame }) => frame ?? []),
    decisions,
    slides: slides.map(({ record }) => record),
    gaps: slides.flatMap(({ gap }) => gap ?? []),
  };
}
