/** The text layer of a page, and the characters of it that PDFium has no glyph for. */
import { type Pdfium, readString, withBuffer } from './pdfium-module.ts';

/** A rectangle as the page is displayed, in points: `top` is less than `bottom`. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A character of the text layer. `size` is its font size in points, before the page scales it. */
export interface PdfChar {
  readonly text: string;
  readonly size: number;
}

/** A character without a glyph, in a font that the PDF does not contain. */
export interface GlyphlessChar {
  readonly font: string;
  readonly box: Box;
}

/** Spaces, marks and characters without an appearance; of surrogates the second. */
const UNSEEN = /^(?![\ud800-\udbff])[\p{C}\p{Z}\p{M}]$/u;
/** Rendering modes that draw nothing: invisible, as of recognized text over a scan, and for clipping only. */
const INVISIBLE: ReadonlySet<number> = new Set([3, 7]);

/** Returns at most `most` characters in reading order. Codes beyond Unicode are U+FFFD. */
export function readChars(pdfium: Pdfium, text: number, most: number): PdfChar[] {
  const count = Math.min(most, pdfium._FPDFText_CountChars(text));
  return Array.from({ length: Math.max(0, count) }, (_, index) => ({
    text: characterOf(pdfium._FPDFText_GetUnicode(text, index)),
    size: pdfium._FPDFText_GetFontSize(text, index),
  }));
}

/**
 * A damaged character map gives any 32 bits. Characters beyond U+FFFF come as two surrogates, one after the
 * other.
 */
function characterOf(code: number): string {
  return code >= 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
}

/** The box of a character in the coordinates of the page, whose origin is the lower left. */
export function charRectangle(pdfium: Pdfium, text: number, index: number): Box {
  return withBuffer(pdfium, 16, (pointer) => {
    pdfium._FPDFText_GetLooseCharBox(text, index, pointer);
    return rectangleAt(pdfium, pointer);
  });
}

/** Reads an FS_RECTF. */
export function rectangleAt(pdfium: Pdfium, pointer: number): Box {
  const view = new DataView(pdfium.HEAPU8.buffer, pointer, 16);
  const [left = 0, top = 0, right = 0, bottom = 0] = [0, 4, 8, 12].map((at) => view.getFloat32(at, true));
  return { left, top, right, bottom };
}

/**
 * Returns visible characters of the first `most` whose font is not in the PDF and has no glyph for them here.
 * Their boxes are in the coordinates of the page.
 */
export function glyphlessChars(pdfium: Pdfium, text: number, most: number): GlyphlessChar[] {
  const fonts = new Map<
    number,
    { readonly name: string; readonly hasGlyph: Map<number, boolean> } | undefined
  >();
  const found: GlyphlessChar[] = [];
  const count = Math.min(most, pdfium._FPDFText_CountChars(text));
  for (let index = 0; index < count; index++) {
    const object = pdfium._FPDFText_GetTextObject(text, index);
    const handle = object === 0 ? 0 : pdfium._FPDFTextObj_GetFont(object);
    if (handle === 0) continue;
    if (!fonts.has(handle)) {
      const isEmbedded = pdfium._FPDFFont_GetIsEmbedded(handle) !== 0;
      fonts.set(handle, isEmbedded ? undefined : { name: fontName(pdfium, handle), hasGlyph: new Map() });
    }
    const font = fonts.get(handle);
    if (!font) continue;
    const code = pdfium._FPDFText_GetUnicode(text, index);
    const known = font.hasGlyph.get(code);
    const hasGlyph =
      known ?? (UNSEEN.test(characterOf(code)) || pdfium._FPDFFont_GetGlyphPath(handle, code, 12) !== 0);
    if (known === undefined) font.hasGlyph.set(code, hasGlyph);
    if (hasGlyph || INVISIBLE.has(pdfium._FPDFTextObj_GetTextRenderMode(object))) continue;
    found.push({ font: font.name, box: charRectangle(pdfium, text, index) });
  }
  return found;
}

function fontName(pdfium: Pdfium, font: number): string {
  return readString(pdfium, 'utf8', 256, (buffer, bytes) =>
    pdfium._FPDFFont_GetBaseFontName(font, buffer, bytes),
  );
}
