import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { countImages, encodeJpeg, type RgbImage, readImage } from '../../media/index.ts';
import { LIMITS, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();

/** 40×20, left half red, right half blue. */
function halves(): Sharp {
  const data = Buffer.alloc(40 * 20 * 3);
  for (let at = 0; at < 40 * 20; at++) data.set(at % 40 < 20 ? [255, 0, 0] : [0, 0, 255], at * 3);
  return sharp(data, { raw: { width: 40, height: 20, channels: 3 } });
}

function pixel(picture: RgbImage, x: number, y: number): number[] {
  return [...picture.data.subarray((y * picture.width + x) * 3, (y * picture.width + x) * 3 + 3)];
}

/** A red and a blue picture, 10 pixels high, in one file. */
async function twoPages(format: 'tiff' | 'gif'): Promise<Buffer> {
  const data = Buffer.alloc(10 * 20 * 3);
  for (let at = 0; at < 10 * 20; at++) data.set(at < 100 ? [255, 0, 0] : [0, 0, 255], at * 3);
  return sharp(data, { raw: { width: 10, height: 20, channels: 3, pageHeight: 10 } })
    .toFormat(format)
    .toBuffer();
}

/** CMYK cannot show pure colours, so that only the strongest channel can be expected of all formats. */
function strongest([red = 0, green = 0, blue = 0]: readonly number[]): string {
  return red > Math.max(green, blue) + 50 ? 'red' : blue > Math.max(red, green) + 50 ? 'blue' : 'neither';
}

describe('readImage', () => {
  it.each([
    ['JPEG', () => halves().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer()],
    ['PNG', () => halves().png().toBuffer()],
    ['WebP', () => halves().webp({ lossless: true }).toBuffer()],
    ['16-bit PNG', () => halves().toColourspace('rgb16').png().toBuffer()],
    [
      'CMYK JPEG',
      () => halves().toColourspace('cmyk').jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toBuffer(),
    ],
    ['AVIF', () => halves().avif({ quality: 90, chromaSubsampling: '4:4:4' }).toBuffer()],
    ['GIF', () => halves().gif().toBuffer()],
    ['TIFF', () => halves().tiff({ compression: 'lzw' }).toBuffer()],
    ['CMYK TIFF', () => halves().toColourspace('cmyk').tiff().toBuffer()],
    ['palette PNG', () => halves().png({ palette: true }).toBuffer()],
  ] as const)('reads %s as packed RGB', async (_name, make) => {
    const picture = await readImage(await make(), LIMITS);
    expect([picture.width, picture.height, picture.data.length]).toEqual([40, 20, 2400]);
    expect(strongest(pixel(picture, 5, 10))).toBe('red');
    expect(strongest(pixel(picture, 35, 10))).toBe('blue');
  });

  it('reads a JPEG that lacks only the marker of its end, and none that lacks pixels', async () => {
    const jpeg = await halves().jpeg().toBuffer();
    for (const missing of [1, 2]) {
      const picture = await readImage(jpeg.subarray(0, -missing), LIMITS);
      expect([strongest(pixel(picture, 5, 10)), strongest(pixel(picture, 35, 10))]).toEqual(['red', 'blue']);
    }
    for (const missing of [6, 40])
      await expect(readImage(jpeg.subarray(0, -missing), LIMITS)).rejects.toMatchObject({
        code: 'media_truncated',
      });
  });

  it('reads greyscale as RGB', async () => {
    const picture = await readImage(await halves().greyscale().png().toBuffer(), LIMITS);
    expect(picture.data.length).toBe(2400);
  });

  it('converts colours by their profile', async () => {
    const wide = {
      create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 100, b: 100 } },
    } as const;
    const tagged = await sharp(wide).withIccProfile('p3').png().toBuffer();
    const stored = await sharp(tagged, { ignoreIcc: true }).raw().toBuffer();
    expect(stored[0]).toBeLessThan(195); // P3 needs less red for the same colour
    expect(pixel(await readImage(tagged, LIMITS), 4, 4).map((level) => Math.round(level / 4))).toEqual([
      50, 25, 25,
    ]);
  });

  it('reads every page of a TIFF, and the first frame of an animation', async () => {
    const tiff = await twoPages('tiff');
    expect(await countImages(tiff, LIMITS)).toBe(2);
    expect(strongest(pixel(await readImage(tiff, LIMITS), 5, 5))).toBe('red');
    expect(strongest(pixel(await readImage(tiff, LIMITS, { page: 2 }), 5, 5))).toBe('blue');
    const gif = await twoPages('gif');
    expect(await countImages(gif, LIMITS)).toBe(1);
    const picture = await readImage(gif, LIMITS);
    expect([picture.height, strongest(pixel(picture, 5, 5))]).toEqual([10, 'red']);
  });

  it('rotates images upright', async () => {
    // EXIF 6: the stored picture has to be turned clockwise, so its left side comes to the top.
    const picture = await readImage(await halves().withMetadata({ orientation: 6 }).png().toBuffer(), LIMITS);
    expect([picture.width, picture.height]).toEqual([20, 40]);
    expect(pixel(picture, 10, 5)).toEqual([255, 0, 0]);
    expect(pixel(picture, 10, 35)).toEqual([0, 0, 255]);
  });

  it('renders transparent images on white', async () => {
    const clear = {
      create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } },
    } as const;
    const picture = await readImage(await sharp(clear).png().toBuffer(), LIMITS);
    expect(pixel(picture, 4, 4)).toEqual([255, 255, 255]);
  });

  it('scales large images down and small ones not up', async () => {
    const large = await halves().resize(4000, 2000).jpeg().toBuffer();
    const picture = await readImage(large, LIMITS);
    expect([picture.width, picture.height]).toEqual([1344, 672]);
    expect((await readImage(large, LIMITS, { maxSide: 100 })).width).toBe(100);
  });

  it('reads files', async () => {
    const path = join(folder, 'picture.txt');
    await writeFile(path, await halves().png().toBuffer());
    expect((await readImage(path, LIMITS)).width).toBe(40);
  });
});

describe('encodeJpeg', () => {
  it('returns the same bytes for the same image, without chroma subsampling', async () => {
    const picture = await readImage(await halves().png().toBuffer(), LIMITS);
    const jpeg = await encodeJpeg(picture);
    expect(jpeg.equals(await encodeJpeg({ ...picture, data: Buffer.from(picture.data) }))).toBe(true);
    expect((await sharp(jpeg).metadata()).chromaSubsampling).toBe('4:4:4');
    const again = await readImage(jpeg, LIMITS);
    expect(pixel(again, 18, 10)[0]).toBeGreaterThan(230); // beside the edge
  });
});
