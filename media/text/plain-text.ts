/** Text from documents and subtitles, made harmless: what is not text is left out. */

/** Control, surrogate and direction characters, and the marks that PDFium and others put in for what they cannot say. */
const NOT_TEXT = /[\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]|[^\P{Cc}\t\n]/gu;

/** The text without such characters and without empty space around it; line breaks are `\n`. */
export function plainText(text: string): string {
  return text
    .replace(/\r\n?|[\u2028\u2029\v\f]/g, '\n')
    .replace(NOT_TEXT, '')
    .trim();
}

/** The text of a file, by its byte order mark; UTF-8 where it is valid, else what Windows wrote in western countries. */
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
