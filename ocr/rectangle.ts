/** The rectangle of smallest area around points. */
import type { Point, TextBox } from './image.ts';

/** Rectangles this much larger than the smallest are still taken if they are upright. */
const UPRIGHT_TOLERANCE = 1.1;
/** Higher than wide by this factor counts as text that runs from top to bottom. Source: PaddleOCR. */
const VERTICAL_RATIO = 1.5;

/**
 * Returns the smallest rectangle around `points`, upright if that is hardly larger. Its width extends along
 * the text: the long side, or the side closer to horizontal if both are alike.
 */
export function smallestRectangle(points: readonly Point[]): TextBox {
  const hull = convexHull(points);
  const upright = rectangleAt(hull, 0);
  let best = upright;
  for (const [index, point] of hull.entries()) {
    const next = hull[(index + 1) % hull.length] ?? point;
    const candidate = rectangleAt(hull, Math.atan2(next.y - point.y, next.x - point.x));
    if (candidate.width * candidate.height < best.width * best.height) best = candidate;
  }
  if (upright.width * upright.height <= UPRIGHT_TOLERANCE * best.width * best.height) best = upright;
  return alongText(best);
}

/** The rectangle around `points` whose sides have the direction `angle`. */
function rectangleAt(points: readonly Point[], angle: number): TextBox {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { x, y } of points) {
    const along = x * cos + y * sin;
    const across = y * cos - x * sin;
    left = Math.min(left, along);
    right = Math.max(right, along);
    top = Math.min(top, across);
    bottom = Math.max(bottom, across);
  }
  const [along, across] = [(left + right) / 2, (top + bottom) / 2];
  return {
    center: { x: along * cos - across * sin, y: along * sin + across * cos },
    width: right - left,
    height: bottom - top,
    angle,
  };
}

/** Normalizes the direction to (-π/4, π/4], or to -π/2 for vertical text, which is read from below. */
function alongText(box: TextBox): TextBox {
  let { width, height, angle } = box;
  while (angle > Math.PI / 4) {
    angle -= Math.PI / 2;
    [width, height] = [height, width];
  }
  while (angle <= -Math.PI / 4) {
    angle += Math.PI / 2;
    [width, height] = [height, width];
  }
  if (height >= VERTICAL_RATIO * width) {
    return { center: box.center, width: height, height: width, angle: angle - Math.PI / 2 };
  }
  return { center: box.center, width, height, angle };
}

/** Andrew's monotone chain. Counterclockwise, without collinear points. */
function convexHull(points: readonly Point[]): readonly Point[] {
  const sorted = [...points].sort((a, b) => a.x - b.x || a.y - b.y);
  const half = (list: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of list) {
      for (;;) {
        const [a, b] = [chain.at(-2), chain.at(-1)];
        if (a === undefined || b === undefined || turn(a, b, point) > 0) break;
        chain.pop();
      }
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  const hull = [...half(sorted), ...half(sorted.reverse())];
  return hull.length > 0 ? hull : sorted.slice(0, 1);
}

function turn(a: Point, b: Point, c: Point): number {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}
