/** Cuts a line of text out of an image, upright and of a fixed height. */
import type { OcrImage, TextBox } from './image.ts';

/**
 * Fills `height` rows of `width` pixels with the content of `box`, by bilinear interpolation. Where the box
 * is reduced, several samples are averaged for each pixel. Returns RGB, three bytes a pixel.
 */
export function cropLine(image: OcrImage, box: TextBox, width: number, height: number): Uint8Array {
  const target = new Uint8Array(width * height * 3);
  const [stepX, stepY] = [box.width / width, box.height / height];
  const samples = Math.max(1, Math.min(4, Math.round(Math.max(stepX, stepY))));
  const [cos, sin] = [Math.cos(box.angle), Math.sin(box.angle)];
  let at = 0;
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let [red, green, blue] = [0, 0, 0];
      for (let sample = 0; sample < samples * samples; sample++) {
        const along = (column + ((sample % samples) + 0.5) / samples) * stepX - box.width / 2;
        const across = (row + (Math.floor(sample / samples) + 0.5) / samples) * stepY - box.height / 2;
        const x = box.center.x + along * cos - across * sin - 0.5;
        const y = box.center.y + along * sin + across * cos - 0.5;
        const [left, top] = [Math.floor(x), Math.floor(y)];
        const [fx, fy] = [x - left, y - top];
        const first = clamp(top, image.height) * image.width;
        const second = clamp(top + 1, image.height) * image.width;
        const [near, far] = [clamp(left, image.width), clamp(left + 1, image.width)];
        const [a, b, c, d] = [(first + near) * 3, (first + far) * 3, (second + near) * 3, (second + far) * 3];
        const [wa, wb, wc, wd] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy];
        const { data } = image;
        red += (data[a] ?? 0) * wa + (data[b] ?? 0) * wb + (data[c] ?? 0) * wc + (data[d] ?? 0) * wd;
        green +=
          (data[a + 1] ?? 0) * wa +
          (data[b + 1] ?? 0) * wb +
          (data[c + 1] ?? 0) * wc +
          (data[d + 1] ?? 0) * wd;
        blue +=
          (data[a + 2] ?? 0) * wa +
          (data[b + 2] ?? 0) * wb +
          (data[c + 2] ?? 0) * wc +
          (data[d + 2] ?? 0) * wd;
      }
      const count = samples * samples;
      target[at++] = red / count + 0.5;
      target[at++] = green / count + 0.5;
      target[at++] = blue / count + 0.5;
    }
  }
  return target;
}

function clamp(index: number, size: number): number {
  return index < 0 ? 0 : index >= size ? size - 1 : index;
}
