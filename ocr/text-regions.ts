/** Finds lines of text in the probability map of a detection model. Source: `DBPostProcess` of PaddleOCR. */
import type { Point, TextBox } from './image.ts';
import { smallestRectangle } from './rectangle.ts';

/** The probability that each pixel belongs to text, in row-major order. */
export interface ProbabilityMap {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
}

/** Pixels above it belong to text. */
const PIXEL_THRESHOLD = 0.3;
/** Regions with a lower mean are dropped. */
const REGION_THRESHOLD = 0.5;
/** The map shows shrunken lines: boxes are enlarged by `area * UNCLIP_RATIO / perimeter` on each side. */
const UNCLIP_RATIO = 1.6;
/** Smallest short side of a region in pixels of the map. */
const MIN_SIDE = 3;
/** More regions than any page of text has: the rest of a hostile image is ignored. */
const MAX_REGIONS = 1000;

/** Returns the boxes of lines of text in pixels of the map, in the order of their first pixels. */
export function findTextRegions(map: ProbabilityMap): readonly TextBox[] {
  const visited = new Uint8Array(map.data.length);
  const stack = new Int32Array(map.data.length);
  const boxes: TextBox[] = [];
  for (let start = 0; start < map.data.length && boxes.length < MAX_REGIONS; start++) {
    if (visited[start] || (map.data[start] ?? 0) <= PIXEL_THRESHOLD) continue;
    const region = fill(map, start, visited, stack);
    if (region.mean < REGION_THRESHOLD) continue;
    const box = smallestRectangle(region.outline);
    if (Math.min(box.width, box.height) < MIN_SIDE) continue;
    boxes.push(enlarge(box));
  }
  return boxes;
}

interface Region {
  readonly mean: number;
  /** Corners of the outermost pixels of each row. */
  readonly outline: readonly Point[];
}

/** Visits the pixels that are connected to `start`, diagonally as well. */
function fill(
  { data, width, height }: ProbabilityMap,
  start: number,
  visited: Uint8Array,
  stack: Int32Array,
): Region {
  const rows = new Map<number, [left: number, right: number]>();
  let sum = 0;
  let count = 0;
  let top = 0;
  stack[top++] = start;
  visited[start] = 1;
  while (top > 0) {
    const pixel = stack[--top] ?? 0;
    const x = pixel % width;
    const y = (pixel - x) / width;
    sum += data[pixel] ?? 0;
    count++;
    const row = rows.get(y);
    if (row === undefined) rows.set(y, [x, x]);
    else if (x < row[0]) row[0] = x;
    else if (x > row[1]) row[1] = x;
    for (let ny = Math.max(0, y - 1); ny <= Math.min(height - 1, y + 1); ny++) {
      for (let nx = Math.max(0, x - 1); nx <= Math.min(width - 1, x + 1); nx++) {
        const neighbour = ny * width + nx;
        if (visited[neighbour] || (data[neighbour] ?? 0) <= PIXEL_THRESHOLD) continue;
        visited[neighbour] = 1;
        stack[top++] = neighbour;
      }
    }
  }
  const outline = [...rows].flatMap(([y, [left, right]]) => [
    { x: left, y },
    { x: right + 1, y },
    { x: left, y: y + 1 },
    { x: right + 1, y: y + 1 },
  ]);
  return { mean: sum / count, outline };
}

function enlarge(box: TextBox): TextBox {
  const { width, height } = box;
  const distance = (width * height * UNCLIP_RATIO) / (2 * (width + height));
  return { ...box, width: width + 2 * distance, height: height + 2 * distance };
}
