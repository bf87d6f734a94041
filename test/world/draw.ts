/**
 * Draws the world as its training pictures were drawn (models/tiny-phi3v/training/world.py: palette, sizes,
 * places and their jitter), at any size.
 */
import { type Canvas, createCanvas } from '@napi-rs/canvas';
import { drawScene } from './draw-scene.ts';
import { drawSlide } from './draw-slide.ts';
import type { Pen } from './pen.ts';
import type { Random } from './random.ts';
import type { Spec } from './spec.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Drawing {
  readonly canvas: Canvas;
  /** The words on a slide, title first; what is only hinted at by bars is left out. */
  readonly text: readonly string[];
}

/**
 * The same `random` draws the same picture; with another `motion`, the same picture with its objects moved.
 */
export function draw(spec: Spec, random: Random, { width, height }: Size, motion = 0): Drawing {
  const canvas = createCanvas(width, height);
  const pen: Pen = { context: canvas.getContext('2d'), random, w: width, h: height, motion };
  const text = spec.kind === 'scene' ? drawScene(spec, pen) : drawSlide(spec, pen);
  return { canvas, text };
}
