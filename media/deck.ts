/** Reads slide decks (PDF): pictures of pages, their text, their titles. */
import { readFile, stat } from 'node:fs/promises';
import { FrameloomError } from '../schema/errors.ts';
import { DEFAULT_MAX_SIDE } from './image.ts';
import type { MediaLimits } from './limits.ts';
import { openPdf, type PdfChar, type PdfDocument, PdfError } from './pdfium.ts';
import type { Picture, Size } from './picture.ts';
import { sniff, sniffBytes } from './sniff.ts';

/** Largest PDF that is opened, in bytes: it has to lie in the memory of PDFium, 32 bits wide, with room to work. */
const MAX_BYTES = 2 ** 30;
/** Most characters of text taken from a page, and most entries of an outline. */
const MAX_CHARS = 20_000;
const MAX_BOOKMARKS = 20_000;
const MAX_TITLE = 200;

export interface DeckPage {
  readonly picture: Picture;
  /** The outline's entry for the page, else its line in the largest type; undefined where there is no text. */
  readonly title?: string;
  /** The text layer, lines as in the page; empty for a scan. */
  readonly text: string;
}

export interface Deck extends Disposable {
  readonly pages: number;
  /** Page `number`, from 1, with a long side of `maxSide` pixels (default 1344). Throws `media_truncated`, `range_outside_source`. */
  page(number: number, options?: { readonly maxSide?: number }): Promise<DeckPage>;
}

/**
 * Opens a deck. Throws `empty_source`, `unsupported_media` (not a PDF), `encrypted_media` (needs a password), `media_truncated`,
 * `no_pages`, `media_too_large`. Memory does not grow with the pages read; disposing of the deck frees it.
 */
export async function openDeck(source: string | Uint8Array, limits: MediaLimits): Promise<Deck> {
  const bytes = typeof source === 'string' ? await readWhole(source) : source;
  if (sniffBytes(bytes) !== 'pdf') throw new FrameloomError('unsupported_media', 'The file is not a PDF.');
  let document: PdfDocument | undefined = await openPdf(bytes).catch((error: unknown) => {
    throw deckFailure(error);
  });
  const { pages } = document;
  if (pages < 1) throw new FrameloomError('no_pages', 'The PDF has no pages.');
  if (pages > limits.maxPages) {
    throw new FrameloomError(
      'media_too_large',
      `The PDF has ${pages} pages; the limit is ${limits.maxPages}.`,
    );
  }
  const titles = document.outline(MAX_BOOKMARKS);
  return {
    pages,
    async page(number, { maxSide = DEFAULT_MAX_SIDE } = {}) {
      if (!document) throw new TypeError('the deck was disposed of');
      if (!Number.isInteger(number) || number < 1 || number > pages) {
        throw new FrameloomError(
          'range_outside_source',
          `There is no page ${number}; the deck has ${pages}.`,
        );
      }
      try {
        return document.withPage(number - 1, (page) => {
          const size = renderSize(page.size, maxSide, limits);
          const chars = page.chars(MAX_CHARS);
          const title = titles.get(number - 1) ?? largestLine(chars);
          return {
            picture: { data: page.render(size), ...size },
            ...(title === undefined ? {} : { title: title.slice(0, MAX_TITLE) }),
            text: textOf(chars),
          };
        });
      } catch (error) {
        throw deckFailure(error, number);
      }
    },
    [Symbol.dispose]() {
      document = undefined;
    },
  };
}

async function readWhole(path: string): Promise<Uint8Array> {
  await sniff(path);
  if ((await stat(path)).size > MAX_BYTES)
    throw new FrameloomError('media_too_large', 'The PDF is too large.');
  return readFile(path);
}

/** A page is drawn at the size asked for, whatever its size on paper; absurdly thin ones keep at least a pixel. */
function renderSize(page: Size, maxSide: number, limits: MediaLimits): Size {
  const side = Math.min(maxSide, Math.floor(Math.sqrt(limits.maxPixels)));
  const scale = side / Math.max(page.width, page.height, 1e-3);
  return {
    width: Math.min(side, Math.max(1, Math.round(page.width * scale))),
    height: Math.min(side, Math.max(1, Math.round(page.height * scale))),
  };
}

function textOf(chars: readonly PdfChar[]): string {
  const text = chars.map((char) => char.text).join('');
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[^\P{Cc}\t\n]|[\ufffe\uffff]/gu, '') // PDFium marks soft hyphens by U+FFFE
    .trim();
}

/** The first line among those with the largest type, with the lines right after it in the same type. */
function largestLine(chars: readonly PdfChar[]): string | undefined {
  const lines: { text: string; size: number }[] = [];
  let line: PdfChar[] = [];
  for (const char of [...chars, { text: '\n', size: 0 }]) {
    if (char.text !== '\n' && char.text !== '\r') {
      line.push(char);
      continue;
    }
    const text = textOf(line);
    if (text !== '') lines.push({ text, size: Math.max(...line.map(({ size }) => size)) });
    line = [];
  }
  const largest = Math.max(...lines.map(({ size }) => size));
  const first = lines.findIndex(({ size }) => size === largest);
  const rest = lines.slice(first);
  const until = rest.findIndex(({ size }) => size !== largest);
  return first < 0
    ? undefined
    : rest
        .slice(0, until < 0 ? undefined : until)
        .map(({ text }) => text)
        .join(' ');
}

function deckFailure(error: unknown, page?: number): unknown {
  if (error instanceof FrameloomError) return error;
  if (error instanceof PdfError && error.reason !== 'damaged') {
    return new FrameloomError('encrypted_media', 'The PDF is protected by a password.', { cause: error });
  }
  const what = page === undefined ? 'The PDF' : `Page ${page} of the PDF`;
  if (error instanceof RangeError) {
    return new FrameloomError('media_too_large', `${what} needs too much memory.`, { cause: error });
  }
  return new FrameloomError('media_truncated', `${what} is cut off or damaged.`, { cause: error });
}
