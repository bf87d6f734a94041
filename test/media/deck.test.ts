import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cmyk, degrees, PDFDocument, PDFHexString, PDFName, PDFString, rgb, StandardFonts } from 'pdf-lib';
import { describe, expect, it } from 'vitest';
import { openDeck, parsePageRanges, type RgbImage } from '../../media/index.ts';
import { LIMITS, temporaryFolder } from './clips.ts';
import { lockedPdf } from './locked-pdf.ts';

const folder = temporaryFolder();

async function makeDeck(
  pages: number,
  each?: (document: PDFDocument, index: number) => void,
): Promise<Uint8Array> {
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let index = 0; index < pages; index++) {
    const page = document.addPage([640, 360]);
    page.drawText(`body of page ${index + 1}`, { x: 40, y: 330, size: 14, font });
    page.drawText(`Title ${index + 1}`, { x: 40, y: 280, size: 36, font });
    page.drawRectangle({ x: 0, y: 0, width: 64, height: 36, color: rgb(1, 0, 0) });
    each?.(document, index);
  }
  return document.save();
}

function pixel(picture: RgbImage, x: number, y: number): number[] {
  return [...picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3)];
}

describe('openDeck', () => {
  it('renders pages on white at the requested long side', async () => {
    using deck = await openDeck(await makeDeck(2), LIMITS);
    expect(deck.pages).toBe(2);
    const { image } = await deck.page(1);
    expect([image.width, image.height, image.data.length]).toEqual([1344, 756, 1344 * 756 * 3]);
    expect(pixel(image, 700, 400)).toEqual([255, 255, 255]);
    expect(pixel(image, 10, 750)).toEqual([255, 0, 0]);
    expect((await deck.page(2, { maxSide: 320 })).image.width).toBe(320);
  });

  it('returns the text, and the line in the largest font as title', async () => {
    using deck = await openDeck(await makeDeck(3), LIMITS);
    const { title, text } = await deck.page(2);
    expect(title).toBe('Title 2');
    expect(text).toBe('body of page 2\nTitle 2');
  });

  it('prefers the title of the outline', async () => {
    const bytes = await makeDeck(3, (document, index) => {
      if (index === 2) addOutline(document, ['Opening – „eins“', undefined, 'Closing']);
    });
    using deck = await openDeck(bytes, LIMITS);
    expect((await deck.page(1)).title).toBe('Opening – „eins“');
    expect((await deck.page(2)).title).toBe('Title 2');
    expect((await deck.page(3)).title).toBe('Closing');
  });

  it('returns no title for a page without text', async () => {
    const document = await PDFDocument.create();
    document.addPage([300, 300]);
    using deck = await openDeck(await document.save(), LIMITS);
    expect(await deck.page(1)).toMatchObject({ text: '' });
    expect(Object.keys(await deck.page(1))).not.toContain('title');
  });

  it('rotates pages upright', async () => {
    const bytes = await makeDeck(1, (document) => document.getPage(0).setRotation(degrees(90)));
    using deck = await openDeck(bytes, LIMITS);
    const { image } = await deck.page(1);
    expect([image.width, image.height]).toEqual([756, 1344]);
    expect(pixel(image, 10, 10)).toEqual([255, 0, 0]); // lower left, turned clockwise
  });

  it('renders huge and very thin pages within the limits', async () => {
    const document = await PDFDocument.create();
    document.addPage([14_400, 14_400]);
    document.addPage([14_400, 1]);
    using deck = await openDeck(await document.save(), { ...LIMITS, maxPixels: 250_000 });
    const sizes = [await deck.page(1), await deck.page(2)].map(({ image }) => [image.width, image.height]);
    expect(sizes).toEqual([
      [500, 500],
      [500, 1],
    ]);
  });

  it('returns the addresses of links without following them', async () => {
    const bytes = await makeDeck(2, (document, index) => {
      if (index === 0)
        addLinks(document, ['https://example.com/a', 'javascript:alert(1)', 'https://example.com/a']);
    });
    using deck = await openDeck(bytes, LIMITS);
    expect((await deck.page(1)).links).toEqual(['https://example.com/a']);
    expect((await deck.page(2)).links).toEqual([]);
  });

  it('opens an encrypted PDF only with its password', async () => {
    const bytes = lockedPdf('open sesame', 'Hidden words');
    using deck = await openDeck(bytes, LIMITS, 'open sesame');
    expect((await deck.page(1)).text).toBe('Hidden words');
    for (const password of [undefined, 'guess']) {
      await expect(openDeck(bytes, LIMITS, password)).rejects.toMatchObject({ code: 'encrypted_media' });
    }
    await expect(openDeck(bytes, LIMITS, 'guess')).rejects.not.toThrow(/guess/);
  });

  it('converts CMYK colours to RGB', async () => {
    const document = await PDFDocument.create();
    const page = document.addPage([100, 100]);
    page.drawRectangle({ x: 0, y: 0, width: 50, height: 100, color: cmyk(0, 1, 1, 0) });
    page.drawRectangle({ x: 50, y: 0, width: 50, height: 100, color: cmyk(1, 1, 0, 0) });
    using deck = await openDeck(await document.save(), LIMITS);
    const { image } = await deck.page(1, { maxSide: 100 });
    const [red, blue] = [pixel(image, 25, 50), pixel(image, 75, 50)];
    expect(red[0]).toBeGreaterThan(200);
    expect(Math.max(red[1] ?? 255, red[2] ?? 255)).toBeLessThan(80);
    expect(blue[2]).toBeGreaterThan(blue[0] ?? 255);
  });

  it('reads files', async () => {
    const path = join(folder, 'deck');
    await writeFile(path, await makeDeck(1));
    using deck = await openDeck(path, LIMITS);
    expect(deck.pages).toBe(1);
  });

  it('rejects pages that do not exist', async () => {
    using deck = await openDeck(await makeDeck(1), LIMITS);
    await expect(deck.page(2)).rejects.toMatchObject({ code: 'range_outside_source' });
    await expect(deck.page(0)).rejects.toMatchObject({ code: 'range_outside_source' });
  });

  it('uses no more memory for 200 pages than for 20', async () => {
    using deck = await openDeck(await makeDeck(200), LIMITS);
    const after: number[] = [];
    for (let number = 1; number <= 200; number++) {
      expect((await deck.page(number)).text).toContain(`Title ${number}`);
      if (number % 10 === 0) {
        globalThis.gc?.();
        after.push(process.memoryUsage().rss);
      }
    }
    expect(Math.min(...after.slice(-4))).toBeLessThan(Math.max(...after.slice(1, 5)) * 1.2);
  });
});

describe('parsePageRanges', () => {
  it('returns all pages without ranges', () => {
    expect(parsePageRanges(undefined, 3)).toEqual([1, 2, 3]);
  });

  it('returns numbers and ranges in order without duplicates', () => {
    expect(parsePageRanges('4-6,2,5', 9)).toEqual([2, 4, 5, 6]);
  });

  it.each(['0', '3-2', '1-11', '11', '999999999999'])('rejects %s of 10 pages', (spec) => {
    expect(() => parsePageRanges(spec, 10)).toThrow(
      expect.objectContaining({ code: 'range_outside_source' }),
    );
  });

  it.each(['', 'a', '1-', '-3', '1..3'])('rejects the malformed %j', (spec) => {
    expect(() => parsePageRanges(spec, 10)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});

/** Puts links on the first page. */
function addLinks(document: PDFDocument, addresses: readonly string[]): void {
  const { context } = document;
  const links = addresses.map((address) =>
    context.register(
      context.obj({
        Type: 'Annot',
        Subtype: 'Link',
        Rect: [0, 0, 50, 50],
        A: { S: 'URI', URI: PDFString.of(address) },
      }),
    ),
  );
  document.getPage(0).node.set(PDFName.of('Annots'), context.obj(links));
}

/** Writes an outline with an entry for each page that has a title. */
function addOutline(document: PDFDocument, titles: readonly (string | undefined)[]): void {
  const { context, catalog } = document;
  const outline = context.nextRef();
  const entries = titles.flatMap((title, page) =>
    title === undefined ? [] : [{ title, page, ref: context.nextRef() }],
  );
  for (const [index, { title, page, ref }] of entries.entries()) {
    const next = entries[index + 1];
    context.assign(
      ref,
      context.obj({
        Title: PDFHexString.fromText(title),
        Parent: outline,
        ...(next ? { Next: next.ref } : {}),
        // One with a destination of its own, the others by an action, as both are seen in real files.
        ...(index === 0
          ? { Dest: [document.getPage(page).ref, 'Fit'] }
          : {
              A: { S: 'GoTo', D: [document.getPage(page).ref, 'Fit'], Type: 'Action', Tip: PDFString.of('') },
            }),
      }),
    );
  }
  const [first, last] = [entries[0], entries.at(-1)];
  if (!first || !last) return;
  context.assign(
    outline,
    context.obj({ Type: 'Outlines', First: first.ref, Last: last.ref, Count: entries.length }),
  );
  catalog.set(PDFName.of('Outlines'), outline);
}
