/** Inserts the text of annotations where a reader of the page finds it: a field's value next to its label. */
import type { PdfAnnotation } from './pdf-annotations.ts';
import type { Box, PdfChar } from './pdf-text.ts';

/** A line of the page, or an annotation on a line of its own. */
interface Row {
  /** From top to bottom, as displayed. */
  top: number;
  bottom: number;
  left: number;
  right: number;
  readonly pieces: Piece[];
}

interface Piece {
  readonly text: string;
  readonly left: number;
}

/** Returns the text of the page. `boxes` has the box of each character. */
export function placeAnnotations(
  chars: readonly PdfChar[],
  boxes: readonly Box[],
  annotations: readonly PdfAnnotation[],
): string {
  const rows = rowsOf(chars, boxes);
  const inOrder = [...annotations].sort((a, b) => a.box.top - b.box.top || a.box.left - b.box.left);
  for (const { text, box } of inOrder) {
    const middle = (box.top + box.bottom) / 2;
    const beside = nearest(rows, (row) =>
      row.top <= middle && middle <= row.bottom && isAsTall(box, row)
        ? Math.abs((row.top + row.bottom) / 2 - middle) +
          Math.max(0, row.left - box.right, box.left - row.right)
        : undefined,
    );
    if (beside) {
      const after = beside.pieces.findLastIndex(({ left }) => left <= box.left);
      beside.pieces.splice(after + 1, 0, { text: ` ${text} `, left: box.left });
      continue;
    }
    const above = nearest(rows, (row) => (row.bottom <= middle ? middle - row.bottom : undefined));
    const own = { ...box, pieces: [{ text, left: box.left }] };
    rows.splice(above ? rows.indexOf(above) + 1 : 0, 0, own);
  }
  return rows
    .map(({ pieces }) => pieces.map(({ text }) => text).join(''))
    .map((text) => text.replace(/ {2,}/g, ' ').trim())
    .join('\n');
}

/** A watermark or a large field that lies over several lines belongs to none of them. */
function isAsTall(box: Box, row: Row): boolean {
  return box.bottom - box.top <= 3 * (row.bottom - row.top);
}

/** Returns the row with the least distance, of those that have one. */
function nearest(rows: readonly Row[], distanceTo: (row: Row) => number | undefined): Row | undefined {
  let found: Row | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const distance = distanceTo(row);
    if (distance === undefined || distance >= least) continue;
    found = row;
    least = distance;
  }
  return found;
}

/** The lines of the text layer, a piece per character. Spaces that PDFium inserts have empty boxes. */
function rowsOf(chars: readonly PdfChar[], boxes: readonly Box[]): Row[] {
  const rows: Row[] = [];
  let row = emptyRow();
  const end = (): void => {
    if (row.pieces.length > 0) rows.push(row);
    row = emptyRow();
  };
  for (const [index, { text }] of chars.entries()) {
    if (text === '\n' || text === '\r') {
      end();
      continue;
    }
    const box = boxes[index];
    if (!box || box.bottom <= box.top) {
      row.pieces.push({ text, left: row.pieces.at(-1)?.left ?? Number.NEGATIVE_INFINITY });
      continue;
    }
    row.top = Math.min(row.top, box.top);
    row.bottom = Math.max(row.bottom, box.bottom);
    row.left = Math.min(row.left, box.left);
    row.right = Math.max(row.right, box.right);
    row.pieces.push({ text, left: box.left });
  }
  end();
  return rows;
}

function emptyRow(): Row {
  const [most, least] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  return { top: most, bottom: least, left: most, right: least, pieces: [] };
}
