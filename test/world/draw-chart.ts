import { css, PALETTE, type Rgb, shade } from './palette.ts';
import type { Pen } from './pen.ts';
import { integer, pickSome, uniform } from './random.ts';
import type { Chart } from './spec.ts';

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export function drawChart(chart: Chart, pen: Pen, ink: Rgb, paper: Rgb, box: Box): void {
  const { random } = pen;
  const colours = pickSome(random, ['red', 'orange', 'yellow', 'green', 'blue', 'purple'] as const, 6).map(
    (colour) => css(shade(random, PALETTE[colour])),
  );
  switch (chart) {
    case 'none':
      return;
    case 'bar':
      drawAxes(pen, ink, box);
      drawBars(pen, colours, box);
      return;
    case 'line':
      drawAxes(pen, ink, box);
      drawLine(pen, colours, box);
      return;
    case 'pie':
      drawPie(pen, colours, paper, box);
      return;
    default:
      throw new TypeError(chart satisfies never);
  }
}

function drawAxes({ context, w }: Pen, ink: Rgb, { left, right, top, bottom }: Box): void {
  context.strokeStyle = css(ink);
  context.lineWidth = w * 0.003;
  context.beginPath();
  context.moveTo(left, top);
  context.lineTo(left, bottom);
  context.lineTo(right, bottom);
  context.stroke();
}

function drawBars({ context, random }: Pen, colours: readonly string[], box: Box): void {
  const count = integer(random, 3, 6);
  const heights = Array.from({ length: count }, () => uniform(random, 0.2, 0.95));
  const oneColour = random() < 0.6;
  const width = (box.right - box.left) / count;
  for (const [index, share] of heights.entries()) {
    const height = (box.bottom - box.top) * share;
    context.fillStyle = colours[oneColour ? 0 : index] ?? 'black';
    context.fillRect(box.left + width * (index + 0.2), box.bottom - height, width * 0.65, height - 1);
  }
}

function drawLine({ context, random, w }: Pen, colours: readonly string[], box: Box): void {
  const count = integer(random, 4, 8);
  const points = Array.from({ length: count }, (_, index) => ({
    x: box.left + ((box.right - box.left) * (index + 0.3)) / count,
    y: box.bottom - (box.bottom - box.top) * uniform(random, 0.2, 0.95),
  }));
  context.strokeStyle = colours[0] ?? 'black';
  context.fillStyle = context.strokeStyle;
  context.lineWidth = w * uniform(random, 0.0045, 0.0075);
  context.beginPath();
  for (const { x, y } of points) context.lineTo(x, y);
  context.stroke();
  if (random() >= 0.5) return;
  for (const { x, y } of points) {
    context.beginPath();
    context.arc(x, y, w * 0.0075, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawPie({ context, random, w }: Pen, colours: readonly string[], paper: Rgb, box: Box): void {
  const radius = Math.min(box.right - box.left, box.bottom - box.top) * 0.48;
  const x = (box.left + box.right) / 2;
  const y = (box.top + box.bottom) / 2;
  const shares = Array.from({ length: integer(random, 3, 6) }, () => uniform(random, 0.5, 1.5));
  const total = shares.reduce((sum, share) => sum + share, 0);
  context.strokeStyle = css(paper);
  context.lineWidth = w * 0.0015;
  let angle = uniform(random, 0, 2 * Math.PI);
  for (const [index, share] of shares.entries()) {
    const next = angle + (2 * Math.PI * share) / total;
    context.fillStyle = colours[index] ?? 'black';
    context.beginPath();
    context.moveTo(x, y);
    context.arc(x, y, radius, angle, next);
    context.closePath();
    context.fill();
    context.stroke();
    angle = next;
  }
}
