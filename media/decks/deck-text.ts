/** Text and title of a page from the characters of its text layer. */

import { plainText } from '../text/index.ts';
import type { PdfChar } from './pdf-text.ts';

/** Returns the text in reading order, without control characters. */
export function pageText(chars: readonly PdfChar[]): string {
  return plainText(chars.map((char) => char.text).join(''));
}

/**
 * Returns the first line in the largest font of the page, with the lines directly after it in the same size.
 */
export function largestLine(chars: readonly PdfChar[]): string | undefined {
  const lines: { text: string; size: number }[] = [];
  let line: PdfChar[] = [];
  for (const char of [...chars, { text: '\n', size: 0 }]) {
    if (char.text !== '\n' && char.text !== '\r') {
      line.push(char);
      continue;
    }
    const text = pageText(line);
    if (text !== '') lines.push({ text, size: Math.max(...line.map(({ size }) => size)) });
    line = [];
  }
  const largest = Math.max(...lines.map(({ size }) => size));
  const first = lines.findIndex(({ size }) => size === largest);
  if (first < 0) return undefined;
  const length = lines.slice(first).findIndex(({ size }) => size !== largest);
  const title = lines.slice(first, length < 0 ? undefined : first + length);
  return title.map(({ text }) => text).join(' ');
}
