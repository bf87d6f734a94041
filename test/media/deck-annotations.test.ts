/** What annotations and form fields add to the pages of a PDF. */
import { PDFDocument, type PDFFont, PDFName, PDFString, StandardFonts } from 'pdf-lib';
import { beforeEach, describe, expect, it } from 'vitest';
import { openDeck, type RgbImage } from '../../media/index.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { LIMITS } from './clips.ts';

/** A page of 600 by 300 points, drawn with one pixel per point. */
async function newPage(): Promise<{ document: PDFDocument; font: PDFFont }> {
  const document = await PDFDocument.create();
  document.addPage([600, 300]);
  return { document, font: await document.embedFont(StandardFonts.Helvetica) };
}

async function read(pdf: Uint8Array | string) {
  using deck = await openDeck(pdf, LIMITS);
  return await deck.page(1, { maxSide: 600 });
}

/** Number of dark pixels in a rectangle, measured from the top left. */
function darkPixels(image: RgbImage, [left, top, right, bottom]: [number, number, number, number]): number {
  let dark = 0;
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) if ((image.data[(y * image.width + x) * 3] ?? 255) < 128) dark += 1;
  return dark;
}

/** Adds an annotation to the first page, with an appearance that draws `operators` in a box of its size. */
function annotate(
  document: PDFDocument,
  rect: [number, number, number, number],
  entries: Record<string, string | number | PDFString>,
  operators?: string,
): void {
  const { context } = document;
  const fonts = { F: { Type: 'Font', Subtype: 'Type1', BaseFont: 'Helvetica' } };
  const drawn = context.stream(operators ?? '', {
    Type: 'XObject',
    Subtype: 'Form',
    BBox: [0, 0, rect[2] - rect[0], rect[3] - rect[1]],
    Resources: { Font: fonts },
  });
  const annotation = context.register(
    context.obj({
      Type: 'Annot',
      Rect: rect,
      ...entries,
      ...(operators === undefined ? {} : { AP: { N: context.register(drawn) } }),
    }),
  );
  const page = document.getPage(0).node;
  page.set(PDFName.of('Annots'), context.obj([...(page.Annots()?.asArray() ?? []), annotation]));
}

describe('a form in a PDF', () => {
  it('has its values in the text next to their labels, and draws them', async () => {
    const { document, font } = await newPage();
    const page = document.getPage(0);
    const form = document.getForm();
    page.drawText('City:', { x: 20, y: 250, size: 14, font });
    page.drawText('(required)', { x: 400, y: 250, size: 14, font });
    page.drawText('Country:', { x: 20, y: 200, size: 14, font });
    const city = form.createTextField('city');
    city.setText('Ulan Bator 815');
    city.addToPage(page, { x: 120, y: 244, width: 200, height: 22 });
    const country = form.createDropdown('country');
    country.addOptions(['Chad', 'Mongolia']);
    country.select('Mongolia');
    country.addToPage(page, { x: 120, y: 194, width: 200, height: 22 });
    const { text, image } = await read(await document.save());
    expect(text).toBe('City: Ulan Bator 815 (required)\nCountry: Mongolia');
    expect(darkPixels(image, [124, 36, 318, 54])).toBeGreaterThan(100);
    expect(darkPixels(image, [124, 86, 318, 104])).toBeGreaterThan(100);
  });

  it('states which boxes, buttons and options are chosen', async () => {
    const { document, font } = await newPage();
    const page = document.getPage(0);
    const form = document.getForm();
    for (const [index, label] of ['tea', 'milk'].entries()) {
      page.drawText(label, { x: 60, y: 250 - 40 * index, size: 14, font });
      const box = form.createCheckBox(label);
      box.addToPage(page, { x: 20, y: 248 - 40 * index, width: 16, height: 16 });
      if (label === 'milk') box.check();
    }
    const size = form.createRadioGroup('size');
    for (const [index, label] of ['small', 'large'].entries()) {
      page.drawText(label, { x: 360, y: 250 - 40 * index, size: 14, font });
      size.addOptionToPage(label, page, { x: 320, y: 248 - 40 * index, width: 16, height: 16 });
    }
    size.select('small');
    const extras = form.createOptionList('extras');
    extras.addOptions(['lemon', 'ice', 'honey']);
    extras.enableMultiselect();
    extras.select(['lemon', 'honey']);
    extras.addToPage(page, { x: 20, y: 60, width: 100, height: 80 });
    const { text } = await read(await document.save());
    expect(text).toBe('[ ] tea\n[x] milk\nlemon, honey\n(x) small\n( ) large');
  });

  it('is drawn and read without appearances of its own', async () => {
    const { document } = await newPage();
    const form = document.getForm();
    const name = form.createTextField('name');
    name.addToPage(document.getPage(0), { x: 120, y: 200, width: 300, height: 40 });
    name.acroField.setValue(PDFString.of('Grace Hopper 1906') as never);
    name.acroField.dict.delete(PDFName.of('AP'));
    form.acroForm.dict.set(PDFName.of('NeedAppearances'), document.context.obj(true));
    const { text, image } = await read(await document.save({ updateFieldAppearances: false }));
    expect(text).toBe('Grace Hopper 1906');
    expect(darkPixels(image, [124, 64, 416, 96])).toBeGreaterThan(100);
  });

  it('keeps passwords and hidden fields to itself', async () => {
    const { document } = await newPage();
    const form = document.getForm();
    const secret = form.createTextField('secret');
    secret.setText('hunter2');
    secret.enablePassword();
    secret.addToPage(document.getPage(0), { x: 20, y: 200, width: 200, height: 20 });
    const hidden = form.createTextField('hidden');
    hidden.setText('not for display');
    hidden.addToPage(document.getPage(0), { x: 20, y: 100, width: 200, height: 20, hidden: true });
    const { text } = await read(await document.save());
    expect(text).toBe('');
  });

  it('follows the rotation of its page', async () => {
    const { document, font } = await newPage();
    const page = document.getPage(0);
    page.drawText('Above', { x: 20, y: 270, size: 14, font });
    page.drawText('Below', { x: 20, y: 20, size: 14, font });
    const field = document.getForm().createTextField('between');
    field.setText('between');
    field.addToPage(page, { x: 20, y: 140, width: 200, height: 20 });
    for (const rotation of [0, 180]) {
      page.node.set(PDFName.of('Rotate'), document.context.obj(rotation));
      expect((await read(await document.save())).text).toBe(
        rotation === 0 ? 'Above\nbetween\nBelow' : 'Above\nBelow\nbetween',
      );
    }
  });
});

describe('annotations of a PDF', () => {
  it('give the text of free text, stamps and watermarks, which are drawn', async () => {
    const { document, font } = await newPage();
    document.getPage(0).drawText('Budget', { x: 20, y: 250, size: 20, font });
    annotate(
      document,
      [20, 150, 320, 180],
      { Subtype: 'FreeText', Contents: PDFString.of('Check the third figure'), DA: PDFString.of('/F 12 Tf') },
      'BT /F 14 Tf 2 8 Td (Check the third figure) Tj ET',
    );
    annotate(
      document,
      [300, 20, 500, 80],
      { Subtype: 'Stamp', Contents: PDFString.of('by accounting') },
      'BT /F 30 Tf 5 15 Td (APPROVED) Tj ET',
    );
    const { text, image } = await read(await document.save());
    expect(text).toBe('Budget\nCheck the third figure\nAPPROVED');
    expect(darkPixels(image, [20, 120, 320, 150])).toBeGreaterThan(100);
    expect(darkPixels(image, [300, 220, 500, 280])).toBeGreaterThan(300);
  });

  it('are left out where they are hidden', async () => {
    const { document } = await newPage();
    annotate(document, [20, 20, 200, 60], { Subtype: 'Stamp', F: 2 }, 'BT /F 30 Tf 5 5 Td (HIDDEN) Tj ET');
    const { text, image } = await read(await document.save());
    expect([text, darkPixels(image, [0, 0, 600, 300])]).toEqual(['', 0]);
  });

  it('run no script', async () => {
    const { document, font } = await newPage();
    document.getPage(0).drawText('before', { x: 20, y: 200, size: 14, font });
    document.addJavaScript('main', 'this.getField("name").value = "changed by a script";');
    const field = document.getForm().createTextField('name');
    field.setText('as it was sent');
    field.addToPage(document.getPage(0), { x: 120, y: 196, width: 200, height: 20 });
    expect((await read(await document.save())).text).toBe('before as it was sent');
  });
});

describe('the forms that were reported', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it('have their values in the text', async () => {
    expect((await read(casePath('decks/p1-form.pdf'))).text).toBe('Order form\nFILLED VALUE 4711\n[x]');
    expect((await read(casePath('decks/form.pdf'))).text).toBe('Name: Ada Lovelace, London\n[x]');
  });
});
