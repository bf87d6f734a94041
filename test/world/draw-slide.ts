import { drawChart } from './draw-chart.ts';
import { worldFonts } from './fonts.ts';
import { css, PALETTE, type Rgb, shade } from './palette.ts';
import type { Pen } from './pen.ts';
import { pick, type Random, uniform } from './random.ts';
import type { Slide } from './spec.ts';

const LIGHT_INKS = [
  [20, 20, 25],
  [20, 40, 100],
  [90, 20, 30],
] as const satisfies readonly Rgb[];

/** Words of the bullet points: small print that the model counts but does not read. */
const PROSE =
  'more people came back after spring and stayed for longer than before while prices rose only a little in most places so the second half looks better'.split(
    ' ',
  );

/** Returns the words on the slide, title first. */
export function drawSlide(slide: Slide, pen: Pen): string[] {
  const { context, random, w, h } = pen;
  const dark = random() < 0.3;
  const paper = dark ? shade(random, [28, 34, 52]) : shade(random, [246, 246, 248], 9);
  const ink = shade(random, dark ? [238, 238, 242] : pick(random, LIGHT_INKS), 12);
  context.fillStyle = css(paper);
  context.fillRect(0, 0, w, h);
  if (random() < 0.3) {
    const band = pick(random, ['red', 'orange', 'blue', 'green', 'purple'] as const);
    context.fillStyle = css(shade(random, PALETTE[band]));
    context.fillRect(0, 0, w, h * 0.018);
  }
  drawTitle(slide.title, pen, ink);

  const chartRight = random() < 0.7;
  const wide = slide.chart === 'none' && random() < 0.5;
  const left = wide || chartRight ? 0.06 : 0.54;
  const right = wide ? 0.8 : chartRight ? 0.48 : 0.95;
  const points = drawBullets(slide.bullets, pen, { left: w * left, right: w * right }, ink, paper);
  drawChart(slide.chart, pen, ink, paper, {
    left: w * (chartRight ? 0.54 : 0.05),
    right: w * (chartRight ? 0.95 : 0.46),
    top: h * uniform(random, 0.29, 0.34),
    bottom: h * uniform(random, 0.86, 0.93),
  });
  return [slide.title, ...points];
}

function drawTitle(title: string, { context, random, w, h }: Pen, ink: Rgb): void {
  const font = pick(random, worldFonts());
  let size = Math.floor(w * uniform(random, 0.072, 0.092));
  const measure = (): { width: number; ascent: number } => {
    context.font = `${size}px "${font}"`;
    const { width, fontBoundingBoxAscent } = context.measureText(title);
    return { width, ascent: fontBoundingBoxAscent };
  };
  let { width, ascent } = measure();
  while (width > w * 0.93) {
    size -= 2;
    ({ width, ascent } = measure());
  }
  const centred = random() < 0.5;
  const start = centred
    ? (w - width) / 2 + w * uniform(random, -0.02, 0.02)
    : w * uniform(random, 0.035, 0.06);
  const margin = w * 0.006;
  const x = Math.max(margin, Math.min(w - width - margin, start));
  context.fillStyle = css(ink);
  context.fillText(title, x, h * uniform(random, 0.035, 0.08) + ascent);
}

function drawBullets(
  count: number,
  { context, random, w, h }: Pen,
  { left, right }: { readonly left: number; readonly right: number },
  ink: Rgb,
  paper: Rgb,
): string[] {
  const step = h * uniform(random, 0.135, 0.16);
  const top = h * (0.3 + uniform(random, 0, 0.05));
  const size = Math.floor(h * uniform(random, 0.05, 0.06));
  const bars = random() < 0.5;
  const square = random() < 0.3;
  const dot = h * 0.016;
  const start = left + w * 0.03;
  const pale = css([mix(ink[0], paper[0]), mix(ink[1], paper[1]), mix(ink[2], paper[2])]);
  const points: string[] = [];
  worldFonts();
  context.font = `${size}px "World Sans"`;
  for (let index = 0; index < count; index++) {
    const y = top + index * step;
    const middle = y + size * 0.6;
    context.fillStyle = css(ink);
    context.beginPath();
    if (square) context.rect(left, middle - dot, 2 * dot, 2 * dot);
    else context.arc(left + dot, middle, dot, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = pale;
    const length = (right - start) * uniform(random, 0.45, 0.95);
    if (bars) {
      context.fillRect(start, middle - dot * 0.8, length, dot * 1.6);
    } else {
      const point = phrase(random, (text) => context.measureText(text).width < length * 0.75);
      const { fontBoundingBoxAscent } = context.measureText(point);
      context.fillText(point, start, y + fontBoundingBoxAscent);
      points.push(point);
    }
  }
  return points;
}

/** Words in a row, for as long as the line `fits`, one word at least. */
function phrase(random: Random, fits: (text: string) => boolean): string {
  let text = pick(random, PROSE);
  while (fits(text)) text += ` ${pick(random, PROSE)}`;
  return text;
}

function mix(ink: number, paper: number): number {
  return Math.round(0.75 * ink + 0.25 * paper);
}
