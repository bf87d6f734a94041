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

/**
 * Decodes the text of a file: by its byte order mark, else as UTF-8 where that is valid, else as
 * Windows-1252.
 */
export function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
