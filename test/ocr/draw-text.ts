/** Draws lines of text, as slides have them. */
import { createCanvas } from '@napi-rs/canvas';
import type { OcrImage } from '../../ocr/index.ts';
import { worldFonts } from '../world/fonts.ts';

export interface DrawnLine {
  readonly text: string;
  /** Left end of the base line, in pixels. */
  readonly x: number;
  readonly y: number;
  /** Font size in pixels. */
  readonly size: number;
  readonly bold?: boolean;
  /** Radians, clockwise. */
  readonly angle?: number;
}

export interface Page {
  readonly width: number;
  readonly height: number;
  readonly paper: string;
  readonly ink: string;
  readonly lines: readonly DrawnLine[];
}

export function drawText({ width, height, paper, ink, lines }: Page): OcrImage {
  const [regular = '', bold = ''] = worldFonts();
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = paper;
  context.fillRect(0, 0, width, height);
  context.fillStyle = ink;
  for (const line of lines) {
    context.save();
    context.translate(line.x, line.y);
    context.rotate(line.angle ?? 0);
    context.font = `${line.size}px "${line.bold ? bold : regular}"`;
    context.fillText(line.text, 0, 0);
    context.restore();
  }
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    data[to++] = rgba[from] ?? 0;
    data[to++] = rgba[from + 1] ?? 0;
    data[to++] = rgba[from + 2] ?? 0;
  }
  return { data, width, height };
}
