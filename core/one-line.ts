/** Text of a model or a source on one line, without control characters that a terminal would obey. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\s]+/gu, ' ').trim();
}
