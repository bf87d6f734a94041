/** Page ranges such as `1-20,25`. */
import { FrameloomError } from '../../core/errors.ts';

/**
 * Parses page ranges such as `1-20,25` for a source of `pages` pages. Returns the page numbers, from 1, in
 * ascending order and without duplicates; all of them where `spec` is undefined.
 *
 * @throws FrameloomError `range_outside_source` for a page that does not exist or a descending range,
 *   `invalid_request` for any other syntax
 */
export function parsePageRanges(spec: string | undefined, pages: number): number[] {
  if (spec === undefined) return Array.from({ length: pages }, (_, index) => index + 1);
  const numbers = new Set<number>();
  for (const part of spec.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) throw new FrameloomError('invalid_request', 'pages: use ranges such as 1-20,25.');
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first < 1 || last < first || last > pages) {
      throw new FrameloomError('range_outside_source', `pages: ${part.trim()} is not within 1-${pages}.`);
    }
    for (let page = first; page <= last; page++) numbers.add(page);
  }
  return [...numbers].sort((a, b) => a - b);
}
