/** Reads slide decks (PDF): images, text, titles and links of pages. */
import { stat } from 'node:fs/promises';
import { FrameloomError } from '../../core/errors.ts';

import { detectMediaKind, detectMediaKindOfBytes } from '../formats/index.ts';
import { DEFAULT_MAX_SIDE_PX, type RgbImage } from '../images/index.ts';
import type { MediaLimits } from '../limits.ts';
import { spawnThread } from '../threads/index.ts';
import type { DeckReply, DeckRequest } from './deck-thread.ts';

/** Largest PDF that is opened: it must fit into the 32-bit memory of PDFium, with space to work. */
const MAX_BYTES = 2 ** 30;
/** Time limit for opening a deck, and for the text and the image of each page. */
export const PAGE_TIME_LIMIT_MS = 60_000;

export interface DeckPageText {
  /** The outline's entry for the page, else its line in the largest font; absent where there is no text. */
  readonly title?: string;
  /** The text layer with the lines of the page, form fields and annotations; empty for a scan. */
  readonly text: string;
  /** Addresses to which the page links. */
  readonly links: readonly string[];
}

export interface DeckPageImage {
  readonly image: RgbImage;
  /**
   * Fonts that the PDF does not contain and whose characters, at least one of them, could not be drawn with
   * another font.
   */
  readonly missingFonts: readonly string[];
}

export interface DeckPage extends DeckPageText {
  readonly image: RgbImage;
}

interface PageOptions {
  /** Default 60 s, the most. */
  readonly timeLimitMs?: number;
}

interface ImageOptions extends PageOptions {
  /** Long side in pixels; default 1344. */
  readonly maxSide?: number;
}

/**
 * Pages are numbered from 1. All methods throw FrameloomError `range_outside_source`, `media_truncated`,
 * `media_too_large` where a page takes too much memory, `render_time_exceeded`. A failure of one page or
 * method does not affect others.
 */
export interface Deck extends Disposable {
  readonly pages: number;
  /** Reads the text of a page. */
  text(number: number, options?: PageOptions): Promise<DeckPageText>;
  /** Renders a page upright on white. */
  image(number: number, options?: ImageOptions): Promise<DeckPageImage>;
  /** Both. */
  page(number: number, options?: ImageOptions): Promise<DeckPage>;
}

/**
 * Opens a PDF, from a file or from bytes, in a thread that ends when the deck is disposed of. Memory does not
 * grow with the number of pages that are read.
 *
 * @throws FrameloomError `empty_source`, `source_missing`, `unsupported_media` (not a PDF), `encrypted_media`
 *   (without the right password), `media_truncated`, `no_pages`, `media_too_large`, `render_time_exceeded`
 */
export async function openDeck(
  source: string | Uint8Array,
  limits: MediaLimits,
  password?: string,
): Promise<Deck> {
  const kind = typeof source === 'string' ? await detectMediaKind(source) : detectMediaKindOfBytes(source);
  if (kind !== 'pdf') throw new FrameloomError('unsupported_media', 'The file is not a PDF.');
  const bytes = typeof source === 'string' ? (await stat(source)).size : source.length;
  if (bytes > MAX_BYTES)
    throw new FrameloomError(
      'media_too_large',
      `The PDF has more than ${MAX_BYTES} bytes. Split it or compress its images.`,
    );
  const opened = { source, password };
  const { thread, pages } = await openThread(opened);
  if (pages >= 1 && pages <= limits.maxPages) {
    return deckOf(opened, thread, pages, Math.floor(Math.sqrt(limits.maxPixels)));
  }
  thread.stop();
  if (pages < 1) throw new FrameloomError('no_pages', 'The PDF has no pages.');
  throw new FrameloomError('media_too_large', `The PDF has ${pages} pages; the limit is ${limits.maxPages}.`);
}

interface OpenedDeck {
  readonly source: string | Uint8Array;
  readonly password: string | undefined;
}

async function openThread({
  source,
  password,
}: OpenedDeck): Promise<{ readonly thread: DeckThread; readonly pages: number }> {
  const thread = startThread(source);
  try {
    const request = { type: 'open', password } as const;
    const { pages } = await thread.request(request, { what: 'The PDF', timeLimitMs: PAGE_TIME_LIMIT_MS });
    return { thread, pages };
  } catch (error) {
    thread.stop();
    if (password === undefined || !(error instanceof FrameloomError) || error.code !== 'encrypted_media')
      throw error;
    throw new FrameloomError(
      'encrypted_media',
      'The password does not open the PDF. Send the right password.',
      { cause: error },
    );
  }
}

function deckOf(opened: OpenedDeck, first: DeckThread, pages: number, largestSide: number): Deck {
  let thread: DeckThread | undefined = first;
  let isClosed = false;

  /** After a failure the deck is opened again: the thread may be dead, and the state of PDFium unknown. */
  async function ask<R extends PageRequest>(
    request: R,
    timeLimitMs = PAGE_TIME_LIMIT_MS,
  ): Promise<Extract<DeckReply, { type: R['type'] }>> {
    const { number } = request;
    if (!Number.isInteger(number) || number < 1 || number > pages) {
      throw new FrameloomError('range_outside_source', `There is no page ${number}; the deck has ${pages}.`);
    }
    if (isClosed) throw new FrameloomError('internal', 'The deck is closed.');
    thread ??= (await openThread(opened)).thread;
    const asked = thread;
    try {
      return await asked.request(request, { what: `Page ${number} of the PDF`, timeLimitMs });
    } catch (error) {
      asked.stop();
      if (thread === asked) thread = undefined;
      throw error;
    }
  }

  const text: Deck['text'] = async (number, options) => {
    const { title, ...rest } = await ask({ type: 'text', number }, options?.timeLimitMs);
    return { ...(title === undefined ? {} : { title }), text: rest.text, links: rest.links };
  };
  const image: Deck['image'] = async (number, { maxSide = DEFAULT_MAX_SIDE_PX, timeLimitMs } = {}) => {
    const request = { type: 'image', number, maxSide: Math.min(maxSide, largestSide) } as const;
    const { data, size, missingFonts } = await ask(request, timeLimitMs);
    return {
      image: { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), ...size },
      missingFonts,
    };
  };
  return {
    pages,
    text,
    image,
    page: async (number, options) => ({
      ...(await text(number, options)),
      image: (await image(number, options)).image,
    }),
    [Symbol.dispose]() {
      isClosed = true;
      thread?.stop();
    },
  };
}

type PageRequest = Extract<DeckRequest, { readonly number: number }>;

interface RequestOptions {
  /** The subject of error messages. */
  readonly what: string;
  readonly timeLimitMs: number;
}

interface DeckThread {
  /** Sends a request and returns its reply. Requests are handled in order. */
  request<R extends DeckRequest>(
    request: R,
    options: RequestOptions,
  ): Promise<Extract<DeckReply, { type: R['type'] }>>;
  stop(): void;
}

function startThread(source: string | Uint8Array): DeckThread {
  const worker = spawnThread('./deck-thread', import.meta.url, source);
  let over: FrameloomError | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  const stop = (): void => {
    over ??= new FrameloomError('internal', 'The deck is closed.');
    void worker.terminate();
  };

  function exchange(request: DeckRequest, { what, timeLimitMs }: RequestOptions): Promise<DeckReply> {
    return new Promise((resolve, reject) => {
      const end = (error: FrameloomError): void => {
        over ??= error;
        settle(() => reject(over));
      };
      const onMessage = (reply: DeckReply): void => settle(() => resolve(reply));
      const onError = (cause: Error): void => end(errorFor('damaged', what, { cause }));
      const onExit = (): void => end(errorFor('damaged', what));
      const timer = setTimeout(() => {
        end(timeExceeded(what, timeLimitMs));
        stop();
      }, timeLimitMs);
      function settle(act: () => void): void {
        clearTimeout(timer);
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        act();
      }
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      if (over) end(over);
      else worker.postMessage(request);
    });
  }

  async function send<R extends DeckRequest>(
    request: R,
    options: RequestOptions,
  ): Promise<Extract<DeckReply, { type: R['type'] }>> {
    const turn = queue.then(() => exchange(request, options));
    queue = turn.catch(() => undefined);
    const reply = await turn;
    if (reply.type === 'failed') throw errorFor(reply.reason, options.what);
    return reply as Extract<DeckReply, { type: R['type'] }>; // a reply has the type of its request
  }
  // An error between requests is reported by the exit, at the next request.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    over ??= errorFor('damaged', 'The PDF');
  });
  return { request: send, stop };
}

function timeExceeded(what: string, timeLimitMs: number): FrameloomError {
  const seconds = Math.round(timeLimitMs / 100) / 10;
  return new FrameloomError('render_time_exceeded', `${what} was not read within ${seconds} s.`);
}

function errorFor(
  reason: Extract<DeckReply, { type: 'failed' }>['reason'],
  what: string,
  options?: ErrorOptions,
): FrameloomError {
  switch (reason) {
    case 'password':
    case 'security':
      return new FrameloomError(
        'encrypted_media',
        'The PDF is protected by a password. Send the password or save the PDF without one.',
        options,
      );
    case 'memory':
      return new FrameloomError(
        'media_too_large',
        `${what} needs more memory than the 2 GiB of the renderer.`,
        options,
      );
    case 'damaged':
      return new FrameloomError(
        'media_truncated',
        `${what} is cut off or damaged. Export it again.`,
        options,
      );
    default:
      return reason satisfies never;
  }
}
