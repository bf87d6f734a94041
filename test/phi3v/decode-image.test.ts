import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../onnx/index.ts';
import { decodeImage, hdTransform, type RgbImage } from '../../phi3v/index.ts';

/** 40×20, left half red, right half blue. */
function halves(): Sharp {
  const data = Buffer.alloc(40 * 20 * 3);
  for (let at = 0; at < 40 * 20; at++) data.set(at % 40 < 20 ? [255, 0, 0] : [0, 0, 255], at * 3);
  return sharp(data, { raw: { width: 40, height: 20, channels: 3 } });
}

function pixel(picture: RgbImage, x: number, y: number): number[] {
  return [...picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3)];
}

describe('decodeImage', () => {
  it.each([
    ['PNG', () => halves().png().toBuffer()],
    ['palette PNG', () => halves().png({ palette: true }).toBuffer()],
    ['16-bit PNG', () => halves().toColourspace('rgb16').png().toBuffer()],
    ['WebP', () => halves().webp({ lossless: true }).toBuffer()],
    ['JPEG', () => halves().jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer()],
  ] as const)('reads %s as packed RGB of its full size', async (_name, make) => {
    const picture = await decodeImage(await make());
    expect([picture.width, picture.height, picture.data.length]).toEqual([40, 20, 2400]);
    for (const [x, expected] of [
      [5, [255, 0, 0]],
      [35, [0, 0, 255]],
    ] as const) {
      // A JPEG may be a level or two off.
      pixel(picture, x, 10).forEach((value, c) => {
        expect(Math.abs(value - (expected[c] ?? Number.NaN))).toBeLessThanOrEqual(2);
      });
    }
  });

  it('gives the HD transform what the same pixels give it raw', async () => {
    const raw: RgbImage = { data: await halves().raw().toBuffer(), width: 40, height: 20 };
    const padded = hdTransform(await decodeImage(await halves().png().toBuffer()), 4);
    expect(Buffer.from(padded.data).equals(hdTransform(raw, 4).data)).toBe(true);
  });

  it('does not scale down large images, which the HD transform does', async () => {
    const { width, height } = await decodeImage(await halves().resize(3000, 1500).png().toBuffer());
    expect([width, height]).toEqual([3000, 1500]);
  });

  it('rotates images upright', async () => {
    // EXIF 6: the stored picture has to be turned clockwise, so its left side comes to the top.
    const picture = await decodeImage(await halves().withMetadata({ orientation: 6 }).png().toBuffer());
    expect([picture.width, picture.height]).toEqual([20, 40]);
    expect(pixel(picture, 10, 5)).toEqual([255, 0, 0]);
    expect(pixel(picture, 10, 35)).toEqual([0, 0, 255]);
  });

  it('puts transparent images on white', async () => {
    const clear = { r: 0, g: 0, b: 0, alpha: 0 };
    const png = await sharp({ create: { width: 8, height: 8, channels: 4, background: clear } })
      .png()
      .toBuffer();
    expect(pixel(await decodeImage(png), 4, 4)).toEqual([255, 255, 255]);
  });

  it.each<readonly [what: string, make: () => Promise<Uint8Array>]>([
    ['no bytes', async () => new Uint8Array()],
    ['an SVG', async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['a GIF', async () => Buffer.from('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==', 'base64')],
    ['a PNG signature before an SVG', async () => Buffer.from('\x89PNG\r\n\x1a\n<svg/>', 'latin1')],
    [
      'a JPEG cut in the middle',
      async () => {
        const jpeg = await halves().resize(600, 300).jpeg().toBuffer();
        return jpeg.subarray(0, jpeg.length / 2);
      },
    ],
  ])('refuses %s as image_invalid', async (_what, make) => {
    const bytes = await make();
    const error = await decodeImage(bytes).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ModelError);
    expect(error).toMatchObject({ code: 'image_invalid' });
  });

  it('rejects more pixels than the limit', async () => {
    const error = await decodeImage(await halves().png().toBuffer(), { maxPixels: 799 }).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: 'image_invalid', message: 'The image has too many pixels.' });
    expect((await decodeImage(await halves().png().toBuffer(), { maxPixels: 800 })).width).toBe(40);
  });
});
