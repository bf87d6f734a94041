import sharp from 'sharp';

const WIDTH = 1920;
const HEIGHT = 1080;

/**
 * A 1920×1080 JPEG as a camera would give it, the same bytes on every run: soft gradients, hard edges, fine grain, quality
 * 90, 4:2:0. About 0.5 MB.
 */
export function drawPhoto(): Promise<Buffer> {
  const data = Buffer.alloc(WIDTH * HEIGHT * 3);
  let grain = 1;
  let at = 0;
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      grain = (Math.imul(grain, 1_664_525) + 1_013_904_223) >>> 0;
      const noise = (grain >>> 24) / 16;
      const edge = (x - 700) ** 2 + (y - 500) ** 2 < 300 ** 2 || (x > 1300 && y % 120 < 40) ? 60 : 0;
      data[at++] = 90 + 60 * Math.sin(x / 240) * Math.cos(y / 190) + edge + noise;
      data[at++] = 95 + 50 * Math.sin(x / 310 + y / 150) + edge / 2 + noise;
      data[at++] = 110 + 70 * Math.cos(x / 120) * Math.sin(y / 400) - edge + noise;
    }
  }
  return sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}
