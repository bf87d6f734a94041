/** Reads the slides of a deck: text and image of each, or the reason why there is no image. */

import { FrameloomError } from '../../core/errors.ts';
import {
  type Deck,
  type DeckPageImage,
  type DeckPageText,
  type MediaLimits,
  openDeck,
  type RgbImage,
} from '../../media/index.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { DeckFiles } from '../../schema/stages.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import { getJson } from './artifacts.ts';
import { type DeckText, readPassword } from './deck-parts.ts';
import type { SlideGap } from './extraction.ts';
import { type SlideTime, type SlideTimeLimits, startSlideTime } from './slide-time.ts';

export interface ReadSlide {
  readonly record: ResultSlide;
  readonly image?: RgbImage;
  readonly gaps: readonly SlideGap[];
}

/**
 * Reads slide `number`, from 1, with an image of at most `maxSide` pixels a side. What is missing is reported
 * in `gaps`.
 */
export type SlideReader = (number: number, maxSide: number) => Promise<ReadSlide>;

/** Most parts of a slide that are named in one gap. */
const MAX_NAMED = 5;
/** Opening a deck takes this much before it takes of the time that its slides share. */
const OPENING_MS = 10_000;

export interface SlideDeps {
  readonly store: ArtifactStore;
  readonly limits: MediaLimits & { readonly slideTime?: Partial<SlideTimeLimits> };
}

/** Calls `use` with a reader of the slides. The reader is valid until `use` settles. */
export async function withSlides<T>(
  { store, limits }: SlideDeps,
  parts: DeckFiles,
  use: (read: SlideReader) => Promise<T>,
): Promise<T> {
  const text = parts.slideText === undefined ? undefined : await getJson<DeckText>(store, parts.slideText);
  const { pdf } = parts;
  if (pdf === undefined) {
    return use(async (slide) => ({
      record: recordOf(slide, text?.[slide - 1], undefined),
      gaps: [
        { slide, reason: parts.noImagesReason ?? 'renderer_missing' },
        ...leftOutOf(slide, text?.[slide - 1]),
      ],
    }));
  }
  const password = await readPassword(store, parts.password);
  return store.withFile(pdf, async (path) => {
    let deck: Deck | undefined;
    const opened = async (): Promise<Deck> => {
      if (deck) return deck;
      const time = await startSlideTime(store, parts, { ...limits.slideTime, perSlideMs: OPENING_MS });
      try {
        time.limit();
        deck = await openDeck(path, limits, password);
        return deck;
      } finally {
        await time.end();
      }
    };
    try {
      return await use(async (slide, maxSide) => {
        const pptx = text?.[slide - 1];
        const page = text ? pptx?.page : slide;
        if (page === undefined) {
          const gaps = [{ slide, reason: 'media_truncated' } as const, ...leftOutOf(slide, pptx)];
          return { record: recordOf(slide, pptx, undefined), gaps };
        }
        const { value, error } = await settled(opened);
        if (error) return slideOf(slide, pptx, { words: { error }, picture: { error } });
        const time = await startSlideTime(store, parts, limits.slideTime);
        const read = await readPage(value, { page, maxSide, time }).finally(time.end);
        return slideOf(slide, pptx, read);
      });
    } finally {
      deck?.[Symbol.dispose]();
    }
  });
}

interface ReadPage {
  readonly words: Settled<DeckPageText>;
  readonly picture: Settled<DeckPageImage>;
}

type Settled<T> =
  | { readonly value: T; readonly error?: undefined }
  | { readonly value?: undefined; readonly error: FrameloomError };

/** Text and image of a page fail separately. */
async function readPage(
  deck: Deck,
  { page, maxSide, time }: { readonly page: number; readonly maxSide: number; readonly time: SlideTime },
): Promise<ReadPage> {
  const words = await settled(async () => deck.text(page, { timeLimitMs: time.limit() }));
  const picture = await settled(async () => deck.image(page, { maxSide, timeLimitMs: time.limit() }));
  return { words, picture };
}

async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { value: await work() };
  } catch (error) {
    if (!(error instanceof FrameloomError) || error.retryable) throw error;
    return { error };
  }
}

function slideOf(slide: number, pptx: DeckText[number] | undefined, { words, picture }: ReadPage): ReadSlide {
  const record = recordOf(slide, pptx, words.value);
  const { error = pptx && !pptx.damaged ? undefined : words.error } = picture;
  const image = picture.value ? { image: picture.value.image } : {};
  const gaps: SlideGap[] = error ? [{ slide, reason: error.code, message: error.message }] : [];
  const [font] = picture.value?.missingFonts ?? [];
  if (!error && font !== undefined) {
    const message = `The font ${font} is not embedded, and no other font has all of its characters.`;
    gaps.push({ slide, reason: 'font_missing', message });
  }
  const hasImage = picture.value ? ({ hasImage: true } as const) : {};
  gaps.push(...leftOutOf(slide, pptx).map((gap) => ({ ...gap, ...hasImage })));
  return { record, ...image, gaps };
}

/** What the text of a PPTX slide lacks, as one gap that names the first few parts. */
function leftOutOf(slide: number, pptx: DeckText[number] | undefined): readonly SlideGap[] {
  const [first, ...others] = pptx?.leftOut ?? [];
  if (!first) return [];
  const named = [first, ...others].slice(0, MAX_NAMED).map((part) => part.message);
  const rest = 1 + others.length - named.length;
  const message = [...named, ...(rest > 0 ? [`${rest} more parts cannot be read.`] : [])].join(' ');
  return [{ slide, reason: first.reason, message }];
}

/** Merges the text of a PPTX slide and of its page. That of the PPTX takes precedence. */
function recordOf(
  slide: number,
  pptx: DeckText[number] | undefined,
  page: DeckPageText | undefined,
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
