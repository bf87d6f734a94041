/** Reads the slides of a deck: text and image of each, or the reason why there is no image. */

import { FrameloomError } from '../../core/errors.ts';
import { type DeckPage, type MediaLimits, openDeck, type RgbImage } from '../../media/index.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { getJson } from './artifacts.ts';
import { type DeckText, readPassword } from './deck-parts.ts';
import type { SlideGap } from './extraction.ts';

export interface ReadSlide {
  readonly record: ResultSlide;
  readonly image?: RgbImage;
  readonly gap?: SlideGap;
}

/**
 * Reads slide `number`, from 1, with an image of at most `maxSide` pixels a side. A damaged slide is reported
 * in `gap`.
 */
export type SlideReader = (number: number, maxSide: number) => Promise<ReadSlide>;

/** Calls `use` with a reader of the slides. The reader is valid until `use` settles. */
export async function withSlides<T>(
  { store, limits }: { readonly store: ArtifactStore; readonly limits: MediaLimits },
  parts: DeckFiles,
  use: (read: SlideReader) => Promise<T>,
): Promise<T> {
  const text = parts.slideText === undefined ? undefined : await getJson<DeckText>(store, parts.slideText);
  const { pdf } = parts;
  if (pdf === undefined) {
    return use(async (slide) => ({
      record: recordOf(slide, text?.[slide - 1], undefined),
      gap: { slide, reason: parts.noImagesReason ?? 'renderer_missing' },
    }));
  }
  const password = await readPassword(store, parts.password);
  return store.withFile(pdf, async (path) => {
    let deck = await openDeck(path, limits, password);
    try {
      return await use(async (slide, maxSide) => {
        const pptx = text?.[slide - 1];
        const page = text ? pptx?.page : slide;
        if (page === undefined) {
          return { record: recordOf(slide, pptx, undefined), gap: { slide, reason: 'media_truncated' } };
        }
        try {
          const rendered = await deck.page(page, { maxSide });
          return { record: recordOf(slide, pptx, rendered), image: rendered.image };
        } catch (error) {
          // A page that cannot be rendered is a gap. The deck is opened again, because the rendering thread
          // may have died.
          if (!(error instanceof FrameloomError) || error.retryable) throw error;
          deck[Symbol.dispose]();
          deck = await openDeck(path, limits, password);
          return { record: recordOf(slide, pptx, undefined), gap: { slide, reason: error.code } };
        }
      });
    } finally {
      deck[Symbol.dispose]();
    }
  });
}

/** Merges the text of a PPTX slide and of its page. That of the PPTX takes precedence. */
function recordOf(
  slide: number,
  pptx: DeckText[number] | undefined,
  page: DeckPage | undefined,
): ResultSlide {
  const title = pptx?.title ?? page?.title;
  const text = pptx && !pptx.damaged ? pptx.text : page?.text;
  const links = pptx?.links ?? page?.links ?? [];
  return {
    slide,
    ...(title === undefined ? {} : { title }),
    ...(text === undefined ? {} : { text }),
    ...(pptx?.notes === undefined ? {} : { notes: pptx.notes }),
    ...(pptx === undefined || pptx.alt.length === 0 ? {} : { alt: [...pptx.alt] }),
    ...(links.length === 0 ? {} : { links: [...links] }),
    ...(pptx?.hidden ? { hidden: true } : {}),
  };
}
