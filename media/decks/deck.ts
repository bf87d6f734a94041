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
/** Time limit for opening a deck, and for each page. */
const TIME_LIMIT_MS = 120_000;

export interface DeckPage {
  readonly image: RgbImage;
  /** The outline's entry for the page, else its line in the largest font; absent where there is no text. */
  readonly title?: string;
  /** The text layer with the lines of the page; empty for a scan. */
  readonly text: string;
  /** Addresses to which the page links. */
  readonly links: readonly string[];
}

export interface Deck extends Disposable {
  readonly pages: number;
  /**
   * Renders page `number`, from 1, upright on white, with a long side of `maxSide` pixels (default 1344).
   *
   * @throws FrameloomError `range_outside_source`, `media_truncated`, `media_too_large` where rendering takes
   *   too long or too much memory
   */
  page(number: number, options?: { readonly maxSide?: number }): Promise<DeckPage>;
}

/**
 * Opens a PDF, from a file or from bytes, in a thread that ends when the deck is disposed of. Memory does not
 * grow with the number of pages that are read.
 *
 * @throws FrameloomError `empty_source`, `source_missing`, `unsupported_media` (not a PDF), `encrypted_media`
 *   (without the right password), `media_truncated`, `no_pages`, `media_too_large`
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
  const thread = startThread(source);
  try {
    const { pages } = await thread.request({ type: 'open', password }, 'The PDF').catch((error: unknown) => {
      if (password === undefined || !(error instanceof FrameloomError) || error.code !== 'encrypted_media')
        throw error;
      throw new FrameloomError(
        'encrypted_media',
        'The password does not open the PDF. Send the right password.',
        { cause: error },
      );
    });
    if (pages < 1) throw new FrameloomError('no_pages', 'The PDF has no pages.');
    if (pages > limits.maxPages) {
      throw new FrameloomError(
        'media_too_large',
        `The PDF has ${pages} pages; the limit is ${limits.maxPages}.`,
      );
    }
    return deckOf(thread, pages, Math.floor(Math.sqrt(limits.maxPixels)));
  } catch (error) {
    thread.stop();
    throw error;
  }
}

function deckOf(thread: DeckThread, pages: number, largestSide: number): Deck {
  return {
    pages,
    async page(number, { maxSide = DEFAULT_MAX_SIDE_PX } = {}) {
      if (!Number.isInteger(number) || number < 1 || number > pages) {
        throw new FrameloomError(
          'range_outside_source',
          `There is no page ${number}; the deck has ${pages}.`,
        );
      }
      const request = { type: 'page', number, maxSide: Math.min(maxSide, largestSide) } as const;
      const { data, size, title, text, links } = await thread.request(request, `Page ${number} of the PDF`);
      const image = { data: Buffer.from(data.buffer, data.byteOffset, data.byteLength), ...size };
      return { image, ...(title === undefined ? {} : { title }), text, links };
    },
    [Symbol.dispose]: thread.stop,
  };
}

interface DeckThread {
  /**
   * Sends a request and returns its reply. Requests are handled in order. `what` is the subject of error
   * messages.
   */
  request<R extends DeckRequest>(request: R, what: string): Promise<Extract<DeckReply, { type: R['type'] }>>;
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

  function exchange(request: DeckRequest, what: string): Promise<DeckReply> {
    return new Promise((resolve, reject) => {
      const end = (error: FrameloomError): void => {
        over ??= error;
        settle(() => reject(over));
      };
      const onMessage = (reply: DeckReply): void => settle(() => resolve(reply));
      const onError = (cause: Error): void => end(errorFor('damaged', what, { cause }));
      const onExit = (): void => end(errorFor('damaged', what));
      const timer = setTimeout(() => {
        end(new FrameloomError('media_too_large', `${what} takes too long to render.`));
        stop();
      }, TIME_LIMIT_MS);
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
    what: string,
  ): Promise<Extract<DeckReply, { type: R['type'] }>> {
    const turn = queue.then(() => exchange(request, what));
    queue = turn.catch(() => undefined);
    const reply = await turn;
    if (reply.type === 'failed') throw errorFor(reply.reason, what);
    return reply as Extract<DeckReply, { type: R['type'] }>; // a reply has the type of its request
  }
  // An error between requests is reported by the exit, at the next request.
  worker.on('error', () => undefined);
  worker.on('exit', () => {
    over ??= errorFor('damaged', 'The PDF');
  });
  return { request: send, stop };
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
      return new FrameloomError('media_too_large', `${what} needs too much memory to render.`, options);
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
