/** Reads the slides of a deck, each with its words and its picture, or the reason why there is none. */

import { FrameloomError } from '../../core/errors.ts';
import { type DeckPage, type MediaLimits, openDeck, type RgbImage } from '../../media/index.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { getJson } from './artifacts.ts';
import { type DeckWords, readPassword } from './deck-parts.ts';
import type { SlideGap } from './extraction.ts';

export interface ReadSlide {
  readonly record: ResultSlide;
  readonly picture?: RgbImage;
  readonly gap?: SlideGap;
}

/** Reads slide `number`, from 1, with its picture `maxSide` pixels long. What is wrong with a slide is in the answer. */
export type SlideReader = (number: number, maxSide: number) => Promise<ReadSlide>;

/** Opens the deck for as long as `use` takes. */
export async function withSlides<T>(
  { store, limits }: { readonly store: ArtifactStore; readonly limits: MediaLimits },
  parts: DeckFiles,
  use: (read: SlideReader) => Promise<T>,
): Promise<T> {
  const words = parts.slideText === undefined ? undefined : await getJson<DeckWords>(store, parts.slideText);
  const { pdf } = parts;
  if (pdf === undefined) {
    return use(async (slide) => ({
      record: recordOf(slide, words?.[slide - 1], undefined),
      gap: { slide, reason: parts.noImagesReason ?? 'renderer_missing' },
    }));
  }
  const password = await readPassword(store, parts.password);
  return store.withFile(pdf, async (path) => {
    let deck = await openDeck(path, limits, password);
    try {
      return await use(async (slide, maxSide) => {
        const said = words?.[slide - 1];
        const page = words ? said?.page : slide;
        if (page === undefined) {
          return { record: recordOf(slide, said, undefined), gap: { slide, reason: 'media_truncated' } };
        }
        try {
          const drawn = await deck.page(page, { maxSide });
          return { record: recordOf(slide, said, drawn), picture: drawn.image };
        } catch (error) {
          // One page that cannot be drawn is a gap, not the end of the deck; the thread that drew it may be gone.
          if (!(error instanceof FrameloomError) || error.retryable) throw error;
          deck[Symbol.dispose]();
          deck = await openDeck(path, limits, password);
          return { record: recordOf(slide, said, undefined), gap: { slide, reason: error.code } };
        }
      });
    } finally {
      deck[Symbol.dispose]();
    }
  });
}

/** What a PPTX says of its slide goes before what its page says. */
function recordOf(
  slide: number,
  said: DeckWords[number] | undefined,
  page: DeckPage | undefined,
): ResultSlide {
  const title = said?.title ?? page?.title;
  const text = said && !said.damaged ? said.text : page?.text;
  const links = said?.links ?? page?.links ?? [];
  return {
    slide,
    ...(title === undefined ? {} : { title }),
    ...(text === undefined ? {} : { text }),
    ...(said?.notes === undefined ? {} : { notes: said.notes }),
    ...(said === undefined || said.alt.length === 0 ? {} : { alt: [...said.alt] }),
    ...(links.length === 0 ? {} : { links: [...links] }),
    ...(said?.hidden ? { hidden: true } : {}),
  };
}
