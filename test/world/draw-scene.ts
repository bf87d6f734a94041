import { css, PALETTE, shade } from './palette.ts';
import type { Pen } from './pen.ts';
import { uniform } from './random.ts';
import { POSITIONS, type Scene, type SceneObject, type Shape } from './spec.ts';

/** Corners of a shape: how many, at which shares of the radius by turns, and where the first one points. */
const CORNERS = {
  square: { count: 4, radii: [1.15], start: Math.PI / 4 },
  triangle: { count: 3, radii: [1.2], start: -Math.PI / 2 },
  star: { count: 10, radii: [1.2, 0.5], start: -Math.PI / 2 },
} as const satisfies Record<Exclude<Shape, 'circle'>, unknown>;

/** Share of the width that an object moves at most; the jitter of its place is kept inside by as much. */
const TRAVEL = 0.03;

/** Returns the words in the picture: none. */
export function drawScene(scene: Scene, pen: Pen): string[] {
  const { context, random, w, h } = pen;
  context.fillStyle = css(shade(random, PALETTE[scene.background], 10));
  context.fillRect(0, 0, w, h);
  for (const object of scene.objects) drawObject(object, pen);
  return [];
}

function drawObject({ shape, colour, position }: SceneObject, { context, random, w, h, motion }: Pen): void {
  const radius = w * uniform(random, 0.075, 0.13);
  const third = (POSITIONS.indexOf(position) + 0.5) / 3;
  const x = w * (third + uniform(random, -0.035, 0.035) * (1 - TRAVEL / 0.035) + (motion * 2 - 1) * TRAVEL);
  const y = h * (0.5 + uniform(random, -0.16, 0.16));
  const inside = Math.max(radius * 1.2, Math.min(h - radius * 1.2, y));
  context.fillStyle = css(shade(random, PALETTE[colour], 12));
  context.beginPath();
  if (shape === 'circle') {
    context.arc(x, inside, radius, 0, 2 * Math.PI);
  } else {
    const { count, radii, start } = CORNERS[shape];
    const turn = start + uniform(random, -0.2, 0.2);
    for (let corner = 0; corner < count; corner++) {
      const angle = turn + (2 * Math.PI * corner) / count;
      const reach = radius * (radii[corner % radii.length] ?? 1);
      context.lineTo(x + reach * Math.cos(angle), inside + reach * Math.sin(angle));
    }
    context.closePath();
  }
  context.fill();
}
