/**
 * The thread that renders a deck. PDFium cannot be interrupted within a page; in a thread it does not block
 * the worker's heartbeats, can be terminated at its time limit, and its memory is freed with the thread.
 */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Size } from '../images/index.ts';
import { largestLine, pageText } from './deck-text.ts';
import { openPdf, type PdfDocument, PdfError } from './pdfium.ts';

/** Requests to the thread, one at a time: first to open the deck, then for pages, from 1. */
export type DeckRequest =
  | { readonly type: 'open'; readonly password: string | undefined }
  | { readonly type: 'page'; readonly number: number; readonly maxSide: number };

export type DeckReply =
  | { readonly type: 'open'; readonly pages: number }
  | {
      readonly type: 'page';
      readonly data: Uint8Array;
      readonly size: Size;
      readonly title: string | undefined;
      readonly text: string;
      readonly links: readonly string[];
    }
  | { readonly type: 'failed'; readonly reason: PdfError['reason'] | 'memory' };

/** Most characters of text of a page, and of a title; most links of a page and entries of an outline. */
const MAX_CHARS = 20_000;
const MAX_TITLE = 200;
const MAX_LINKS = 100;
const MAX_BOOKMARKS = 20_000;

let deck: { readonly document: PdfDocument; readonly titles: ReadonlyMap<number, string> } | undefined;

async function handle(request: DeckRequest): Promise<DeckReply> {
  if (request.type === 'open') {
    const source = workerData as string | Uint8Array; // passed by openDeck
    const document = await openPdf(
      typeof source === 'string' ? await readFile(source) : source,
      request.password,
    );
    deck = { document, titles: document.outline(MAX_BOOKMARKS) };
    return { type: 'open', pages: document.pages };
  }
  if (!deck) throw new PdfError('damaged');
  const { titles, document } = deck;
  return document.withPage(request.number - 1, (page) => {
    const size = renderedSize(page.size, request.maxSide);
    const chars = page.chars(MAX_CHARS);
    const title = (titles.get(request.number - 1) ?? largestLine(chars))?.slice(0, MAX_TITLE);
    const links = page.links(MAX_LINKS);
    return { type: 'page', data: page.render(size), size, title, text: pageText(chars), links };
  });
}

/**
 * Scales a page to a long side of `side` pixels, whatever its size on paper; each side is at least a pixel.
 */
function renderedSize(page: Size, side: number): Size {
  const scale = side / Math.max(page.width, page.height, 1e-3);
  const scaled = (length: number): number => Math.min(side, Math.max(1, Math.round(length * scale)));
  return { width: scaled(page.width), height: scaled(page.height) };
}

function failed(error: unknown): DeckReply {
  const reason =
    error instanceof PdfError ? error.reason : error instanceof RangeError ? 'memory' : 'damaged';
  return { type: 'failed', reason };
}

parentPort?.on('message', (request: DeckRequest) => {
  void handle(request)
    .catch(failed)
    .then((reply) => {
      // Allocated by render.
      parentPort?.postMessage(reply, reply.type === 'page' ? [reply.data.buffer as ArrayBuffer] : []);
    });
});
