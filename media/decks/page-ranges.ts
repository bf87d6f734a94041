/** Page ranges such as `1-20,25`. */
import { FrameloomError } from '../../core/errors.ts';

/**
 * The pages that `spec` names, in ascending order and each once; all of them where it is undefined. Pages count from 1. Throws
 * `range_outside_source` for a page that is not there or a range that runs backwards, `invalid_request` for anything else.
 */
export function parsePageRanges(spec: string | undefined, pages: number): number[] {
  if (spec === undefined) return Array.from({ length: pages }, (_, index) => index + 1);
  const numbers = new Set<number>();
  for (const part of spec.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (!match) throw new FrameloomError('invalid_request', 'pages: write ranges such as 1-20,25.');
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (first < 1 || last < first || last > pages) {
      throw new FrameloomError('range_outside_source', `pages: ${part.trim()} is not within 1-${pages}.`);
    }
    for (let page = first; page <= last; page++) numbers.add(page);
  }
  return [...numbers].sort((a, b) => a - b);
}
