/**
 * The font in place of fonts that a PDF names but does not contain. PDFium itself has fonts for Latin text
 * and a few symbols; GNU Unifont has a glyph, drawn of square dots, for nearly every character of every
 * script.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { inflateSync } from 'node:zlib';
import { allocate, type Pdfium } from './pdfium-module.ts';

/** Charsets (FXFONT_*) for which PDFium has no glyphs; for the others its own fonts are better. */
const CHARSETS: ReadonlySet<number> = new Set([
  128, // Japanese
  129, // Korean
  134, // simplified Chinese
  136, // traditional Chinese
  161, // Greek
  162, // Turkish
  163, // Vietnamese
  177, // Hebrew
  178, // Arabic
  186, // Baltic
  204, // Cyrillic
  222, // Thai
  238, // Eastern European
]);
/** PDFium stores a copy of 14 MB for each font that a document names. */
const MAX_COPIES = 20;
const NAME = Buffer.from('Unifont\0');
const HANDLE = 1;

/**
 * Registers the font for one instance. It is read when a document needs it. It also replaces the fonts
 * `replaced`, whatever their charset: those for which PDFium's own fonts were found to lack characters.
 */
export function installFallbackFont(pdfium: Pdfium, replaced: readonly string[]): void {
  const replacedNames = replaced.map(substituteName);
  let font: Buffer | undefined;
  let copies = 0;
  const read = (): Buffer => {
    const file = import.meta.resolve('@fontsource/unifontex/files/unifontex-latin-400-normal.woff');
    font ??= sfntOf(readFileSync(fileURLToPath(file)));
    return font;
  };
  /** Writes `bytes` where there is enough space. Returns their number. */
  const give = (bytes: Buffer, buffer: number, space: number): number => {
    if (buffer !== 0 && space >= bytes.length) pdfium.HEAPU8.set(bytes, buffer);
    return bytes.length;
  };
  // FPDF_SYSFONTINFO, version 1. A function has one signature, so that each is its own.
  const members = [
    1,
    pdfium.addFunction(() => undefined, 'vi'), // Release
    pdfium.addFunction(() => undefined, 'vii'), // EnumFonts
    pdfium.addFunction((_info, _weight, _italic, charset = 0, _pitch, face = 0) => {
      const isReplaced = replacedNames.includes(substituteName(readName(pdfium, face)));
      if (!(isReplaced || CHARSETS.has(charset)) || copies >= MAX_COPIES) return 0;
      copies += 1;
      return HANDLE;
    }, 'iiiiiiii'), // MapFont
    pdfium.addFunction(() => 0, 'iii'), // GetFont
    pdfium.addFunction(
      (_info, _font, table, buffer = 0, space = 0) => (table === 0 ? give(read(), buffer, space) : 0),
      'iiiiii',
    ), // GetFontData: only of the whole file
    pdfium.addFunction((_info, _font, buffer = 0, space = 0) => give(NAME, buffer, space), 'iiiii'), // GetFaceName
    pdfium.addFunction(() => 1, 'iii'), // GetFontCharset: the default one
    pdfium.addFunction(() => undefined, 'vii'), // DeleteFont
  ];
  const info = allocate(pdfium, members.length * 4);
  const view = new DataView(pdfium.HEAPU8.buffer, info, members.length * 4);
  for (const [index, member] of members.entries()) view.setUint32(index * 4, member, true);
  pdfium._FPDF_SetSystemFontInfo(info);
}

/** The family by which PDFium asks for a font. It replaces common families by those that it contains. */
function substituteName(name: string): string {
  const family = name
    .replace(/^[A-Z]{6}\+/, '')
    .replace(/[,-].*$/, '')
    .replace(/\s|PS(?=MT$|$)|MT$/g, '')
    .toLowerCase();
  return { arial: 'helvetica', timesnewroman: 'times', couriernew: 'courier' }[family] ?? family;
}

function readName(pdfium: Pdfium, pointer: number): string {
  const end = pointer === 0 ? 0 : pdfium.HEAPU8.indexOf(0, pointer);
  return Buffer.from(pdfium.HEAPU8.subarray(pointer, Math.max(pointer, end))).toString('latin1');
}

/** Unpacks a WOFF 1.0 file into the font that it contains. PDFium reads no WOFF. */
function sfntOf(woff: Buffer): Buffer {
  const count = woff.readUInt16BE(12);
  const header = Buffer.alloc(12 + 16 * count);
  woff.copy(header, 0, 4, 8);
  header.writeUInt16BE(count, 4);
  const parts: Buffer[] = [header];
  let at = header.length;
  for (let index = 0; index < count; index++) {
    const entry = 44 + 20 * index;
    const [offset, packed, length] = [4, 8, 12].map((field) => woff.readUInt32BE(entry + field));
    const stored = woff.subarray(offset, (offset ?? 0) + (packed ?? 0));
    const table = packed === length ? stored : inflateSync(stored);
    const record = 12 + 16 * index;
    woff.copy(header, record, entry, entry + 4); // tag
    woff.copy(header, record + 4, entry + 16, entry + 20); // checksum
    header.writeUInt32BE(at, record + 8);
    header.writeUInt32BE(table.length, record + 12);
    const padding = Buffer.alloc(-table.length & 3);
    parts.push(table, padding);
    at += table.length + padding.length;
  }
  return Buffer.concat(parts);
}
