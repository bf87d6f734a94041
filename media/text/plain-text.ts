/** Cleans text from documents and subtitles: characters that are not text are removed. */

/**
 * Control, surrogate and direction characters, and the placeholders that PDFium and others insert for
 * unmapped glyphs.
 */
const NOT_TEXT = /[\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|[^\P{Cc}\t\n]/gu;

/** Returns the text without such characters and trimmed, with `\n` as line break. */
export function plainText(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029\v\f]/g, '\n')
    .replace(NOT_TEXT, '')
    .trim();
}
