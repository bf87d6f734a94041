/** Orders lines as people read them: columns from left to right, in each from top to bottom. */

/** Position of a line on the image, in any unit. */
export interface Placed {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Columns are at least this many line heights apart. */
const COLUMN_GAP = 1;
/** A band of lines higher than this many line heights has several rows. */
const SEVERAL_ROWS = 1.8;
/** At least this many columns with this many lines in a row are a table, which is read by rows. */
const TABLE_COLUMNS = 3;
const TABLE_ROW_LINES = 2;

/**
 * Returns `lines` in reading order. Bands of lines that no other line crosses are joined as long as a gap
 * divides them into columns. The method is the recursive XY-cut (Nagy and Seth, 1984).
 */
export function inReadingOrder<T extends Placed>(lines: readonly T[]): readonly T[] {
  if (lines.length < 2) return lines;
  const lineHeight = median(lines.map(({ top, bottom }) => bottom - top));
  const bands = split(lines, 'top', 'bottom', 0);
  const ordered: T[] = [];
  for (let first = 0; first < bands.length; ) {
    const { columns, next } = widestColumns(bands, first, lineHeight);
    if (columns === undefined) {
      ordered.push(...inBand(bands[first] ?? [], lineHeight));
      first++;
    } else {
      const rows = bands.slice(first, next);
      const isTable = columns.length >= TABLE_COLUMNS && rows.flat().length >= TABLE_ROW_LINES * rows.length;
      if (isTable) ordered.push(...rows.flatMap((band) => inBand(band, lineHeight)));
      else ordered.push(...columns.flatMap((column) => inReadingOrder(column)));
      first = next;
    }
  }
  return ordered;
}

/** The columns of the longest run of bands from `first` that a gap divides, and the band after it. */
function widestColumns<T extends Placed>(
  bands: readonly (readonly T[])[],
  first: number,
  lineHeight: number,
): { readonly columns: readonly (readonly T[])[] | undefined; readonly next: number } {
  let found: { readonly columns: readonly (readonly T[])[]; readonly next: number } | undefined;
  const joined: T[] = [];
  for (let last = first; last < bands.length; last++) {
    joined.push(...(bands[last] ?? []));
    const columns = split(joined, 'left', 'right', COLUMN_GAP * lineHeight);
    if (columns.length < 2) {
      // One line at the side leaves room for a gap that appears with the next band.
      if (joined.some(({ left, right }) => right - left > 0.8 * extent(joined))) break;
      continue;
    }
    const height =
      Math.max(...joined.map(({ bottom }) => bottom)) - Math.min(...joined.map(({ top }) => top));
    const hasRows = last > first || height > SEVERAL_ROWS * lineHeight;
    if (hasRows && columns.some((column) => column.length > 1)) found = { columns, next: last + 1 };
  }
  return found ?? { columns: undefined, next: first + 1 };
}

function extent(lines: readonly Placed[]): number {
  return Math.max(...lines.map(({ right }) => right)) - Math.min(...lines.map(({ left }) => left));
}

/** Groups lines whose intervals on one axis overlap or are less than `gap` apart, in order. */
function split<T extends Placed>(
  lines: readonly T[],
  from: 'left' | 'top',
  to: 'right' | 'bottom',
  gap: number,
): readonly (readonly T[])[] {
  const sorted = [...lines].sort((a, b) => a[from] - b[from]);
  const groups: T[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const line of sorted) {
    // Boxes of neighbouring rows overlap a little: only half of a line counts for bands.
    const start = from === 'top' ? line.top + (line.bottom - line.top) * 0.25 : line[from];
    if (start >= end + gap) groups.push([line]);
    else groups.at(-1)?.push(line);
    const lineEnd = to === 'bottom' ? line.bottom - (line.bottom - line.top) * 0.25 : line[to];
    end = Math.max(end, lineEnd);
  }
  return groups;
}

/** One row from left to right, several from top to bottom. */
function inBand<T extends Placed>(lines: readonly T[], lineHeight: number): readonly T[] {
  const sorted = [...lines].sort((a, b) => a.top + a.bottom - b.top - b.bottom);
  const rows: T[][] = [];
  let end = Number.NEGATIVE_INFINITY;
  for (const line of sorted) {
    const middle = (line.top + line.bottom) / 2;
    if (middle > end) {
      rows.push([line]);
      end = middle + lineHeight / 2;
    } else rows.at(-1)?.push(line);
  }
  return rows.flatMap((row) => row.sort((a, b) => a.left - b.left));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
