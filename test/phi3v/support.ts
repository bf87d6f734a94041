import { fileURLToPath } from 'node:url';
import { createCanvas } from '@napi-rs/canvas';
import type { RgbImage } from '../../phi3v/index.ts';

export const TINY = fileURLToPath(new URL('../../models/tiny-phi3v', import.meta.url));

/** The caption prompt of the tiny model, one label line per image. */
export const DESCRIBE = '\nDescribe each image in one line, starting with its number.';

/** The colours of the tiny model's drawn world. */
export const COLOURS = {
  red: 'rgb(215,30,35)',
  green: 'rgb(30,150,60)',
  blue: 'rgb(35,80,215)',
  yellow: 'rgb(245,225,40)',
};

/** A disc in the left, middle or right third of a 640×360 picture. */
export function drawCircle(colour: string, background: string, third: 0 | 1 | 2): RgbImage {
  const [width, height] = [640, 360];
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  context.fillStyle = colour;
  context.beginPath();
  context.arc((width * (third + 0.5)) / 3, height / 2, 64, 0, 2 * Math.PI);
  context.fill();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) {
    data.set(rgba.subarray(pixel * 4, pixel * 4 + 3), pixel * 3);
  }
  return { data, width, height };
}
