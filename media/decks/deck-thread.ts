/**
 * The thread that renders a deck. PDFium cannot be interrupted within a page; in a thread it does not block
 * the worker's heartbeats, can be terminated at its time limit, and its memory is freed with the thread.
 */
import { readFile } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Size } from '../images/index.ts';
import { plainText } from '../text/index.ts';
import { largestLine, pageText } from './deck-text.ts';
import { openPdf, type PdfDocument, type PdfPage } from './pdfium.ts';
import { PdfError } from './pdfium-module.ts';
import { placeAnnotations } from './place-annotations.ts';
import { undrawnFonts } from './undrawn-fonts.ts';

/**
 * Requests to the thread, one at a time: first to open the deck, then for pages, from 1. Text and image of a
 * page are separate, so that a failure of one leaves the other.
 */
export type DeckRequest =
  | { readonly type: 'open'; readonly password: string | undefined }
  | { readonly type: 'text'; readonly number: number }
  | { readonly type: 'image'; readonly number: number; readonly maxSide: number };

export type DeckReply =
  | { readonly type: 'open'; readonly pages: number }
  | {
      readonly type: 'text';
      readonly title: string | undefined;
      readonly text: string;
      readonly links: readonly string[];
    }
  | {
      readonly type: 'image';
      readonly data: Uint8Array;
      readonly size: Size;
      readonly missingFonts: readonly string[];
    }
  | { readonly type: 'failed'; readonly reason: PdfError['reason'] | 'memory' };

/** Most characters of text of a page, and of a title; most links of a page and entries of an outline. */
const MAX_CHARS = 20_000;
const MAX_TITLE = 200;
const MAX_LINKS = 100;
const MAX_BOOKMARKS = 20_000;
/** Long side of the page, in pixels, on which annotations are placed in the text. */
const LAYOUT_SIDE_PX = 4000;

interface OpenDeck {
  readonly bytes: Uint8Array;
  readonly password: string | undefined;
  /** Fonts that are replaced because characters of theirs were missing. */
  readonly replaced: readonly string[];
  readonly document: PdfDocument;
  readonly titles: ReadonlyMap<number, string>;
  /** The page that was requested last, which stays open for the next request. */
  current?: { readonly number: number; readonly page: PdfPage };
}

let deck: OpenDeck | undefined;

async function handle(request: DeckRequest): Promise<DeckReply> {
  if (request.type === 'open') {
    const source = workerData as string | Uint8Array; // passed by openDeck
    const bytes = typeof source === 'string' ? await readFile(source) : source;
    const { password } = request;
    const document = await openPdf(bytes, password);
    deck = { bytes, password, replaced: [], document, titles: document.outline(MAX_BOOKMARKS) };
    return { type: 'open', pages: document.pages };
  }
  if (!deck) throw new PdfError('damaged');
  if (request.type === 'text') {
    return textReply(openPage(deck, request.number), deck.titles.get(request.number - 1));
  }
  const rendered = renderPage(deck, request);
  const missing = rendered.missingFonts.filter((font) => !deck?.replaced.includes(font));
  if (missing.length === 0) return rendered;
  deck = await reopened(deck, missing);
  return renderPage(deck, request);
}

/** A document chooses its fonts once, so that it is opened again to replace some. */
async function reopened(open: OpenDeck, missingFonts: readonly string[]): Promise<OpenDeck> {
  const { current, ...kept } = open;
  current?.page.close();
  const replaced = [...open.replaced, ...missingFonts];
  return { ...kept, replaced, document: await openPdf(open.bytes, open.password, replaced) };
}

function renderPage(
  open: OpenDeck,
  { number, maxSide }: { readonly number: number; readonly maxSide: number },
): Extract<DeckReply, { type: 'image' }> {
  const page = openPage(open, number);
  const size = renderedSize(page.size, maxSide);
  const data = page.render(size);
  const missingFonts = undrawnFonts(data, size, page.glyphless(MAX_CHARS, size));
  return { type: 'image', data, size, missingFonts };
}

function openPage(open: OpenDeck, number: number): PdfPage {
  const { current } = open;
  if (current?.number === number) return current.page;
  delete open.current;
  current?.page.close();
  const page = open.document.open(number - 1);
  open.current = { number, page };
  return page;
}

function textReply(page: PdfPage, outlineTitle: string | undefined): DeckReply {
  const chars = page.chars(MAX_CHARS);
  const title = (outlineTitle ?? largestLine(chars))?.slice(0, MAX_TITLE);
  const links = page.links(MAX_LINKS);
  const size = renderedSize(page.size, LAYOUT_SIDE_PX);
  const annotations = page
    .annotations(size)
    .map((annotation) => ({ ...annotation, text: plainText(annotation.text) }));
  const text =
    annotations.length === 0
      ? pageText(chars)
      : plainText(placeAnnotations(chars, page.boxes(chars.length, size), annotations)).slice(0, MAX_CHARS);
  return { type: 'text', title, text, links };
}

/**
 * Scales a page to a long side of `side` pixels, whatever its size on paper; each side is at least a pixel.
 */
function renderedSize(page: Size, side: number): Size {
  const scale = side / Math.max(page.width, page.height, 1e-3);
  const scaled = (length: number): number => Math.min(side, Math.max(1, Math.round(length * scale)));
  return { width: scaled(page.width), height: scaled(page.height) };
}

/** PDFium aborts when its memory is used up. */
function failed(error: unknown): DeckReply {
  if (error instanceof PdfError) return { type: 'failed', reason: error.reason };
  const isMemory =
    error instanceof RangeError ||
    (error instanceof WebAssembly.RuntimeError && error.message.startsWith('Aborted'));
  return { type: 'failed', reason: isMemory ? 'memory' : 'damaged' };
}

parentPort?.on('message', (request: DeckRequest) => {
  void handle(request)
    .catch(failed)
    .then((reply) => {
      // Allocated by render.
      parentPort?.postMessage(reply, reply.type === 'image' ? [reply.data.buffer as ArrayBuffer] : []);
    });
});
