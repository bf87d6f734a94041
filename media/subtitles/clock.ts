/** Times of subtitles, in the spellings of the tools that write them. */

/**
 * Matches a time with minutes and seconds, in any number of digits, with spaces around the separators, and a
 * fraction after a dot, comma or colon; or a bare number of seconds with a fraction. Without groups.
 */
export const CLOCK =
  String.raw`-?(?:\d{1,6}[ \t]*:[ \t]*){1,2}\d{1,3}(?:[ \t]*[.,:][ \t]*\d{1,9})?` +
  String.raw`|-?\d{1,6}[.,]\d{1,9}`;

const WHOLE_CLOCK = new RegExp(`^(?:${CLOCK})$`);

/** Returns the seconds of a time that `CLOCK` matches, to the millisecond; undefined for other text. */
export function clockOf(text: string): number | undefined {
  const compact = text.trim();
  if (!WHOLE_CLOCK.test(compact)) return undefined;
  const isNegative = compact.startsWith('-');
  const fields = compact.replace(/[-\s]/g, '').replace(',', '.').split(':');
  // A fourth field is a fraction that follows a colon.
  const [whole, fraction] = fields.length === 4 ? [fields.slice(0, 3), `0.${fields[3]}`] : [fields, '0'];
  const seconds = whole.reduce((sum, field) => sum * 60 + Number(field), 0) + Number(fraction);
  return toMilliseconds(isNegative ? -seconds : seconds);
}

/** Rounds seconds to milliseconds, as all formats but a few write them. */
export function toMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** Replaces the full-width punctuation that East Asian input methods write in times. */
export function withAsciiPunctuation(line: string): string {
  return line.replace(/：/g, ':').replace(/，/g, ',').replace(/．/g, '.');
}
