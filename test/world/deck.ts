/** Drawn slide decks with their truth: what each page shows and what its text layer says. */
import { writeFile } from 'node:fs/promises';
import { PDFDocument, StandardFonts, setTextRenderingMode, TextRenderingMode } from 'pdf-lib';
import { draw } from './draw.ts';
import { seededRandom } from './random.ts';
import { caption, type Spec, sampleSequence } from './spec.ts';

export interface DeckOptions {
  readonly seed: number;
  readonly pages: number;
}

export interface Page {
  /** From 1. */
  readonly page: number;
  readonly caption: string;
  /** The lines of the text layer, title first; empty for a picture page. */
  readonly text: readonly string[];
  readonly spec: Spec;
}

export interface DeckTruth {
  readonly pages: readonly Page[];
}

/** Pixels of a page's picture, and its size in points: 16:9 as slides have it. */
const PICTURE = { width: 1280, height: 720 };
const PAGE = { width: 960, height: 540 };

/**
 * Writes a PDF and returns what it shows. A page is a picture, since the bundled model reads only the
 * typeface it is drawn with, under a layer of real but invisible text, as scanned documents have it.
 */
export async function makeDeck(path: string, { seed, pages }: DeckOptions): Promise<DeckTruth> {
  const random = seededRandom(seed);
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  const made = new Date(0);
  document.setCreationDate(made);
  document.setModificationDate(made);
  const truth: Page[] = [];
  for (const [index, spec] of sampleSequence(random, pages, 0.2).entries()) {
    const { canvas, text } = draw(spec, random, PICTURE);
    const page = document.addPage([PAGE.width, PAGE.height]);
    page.drawImage(await document.embedJpg(await canvas.encode('jpeg', 88)), PAGE);
    page.pushOperators(setTextRenderingMode(TextRenderingMode.Invisible));
    for (const [line, words] of text.entries()) {
      page.drawText(words, { x: 48, y: PAGE.height - 80 - line * 72, size: line === 0 ? 60 : 24, font });
    }
    truth.push({ page: index + 1, caption: caption(spec), text, spec });
  }
  await writeFile(path, await document.save());
  return { pages: truth };
}
