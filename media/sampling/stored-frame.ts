/**
 * The form in which pictures come out of ffmpeg while it is open which of them are kept: scaled, and with the colours as videos
 * store them (`yuv420p`), half the bytes of RGB. Scaling the planes as they are stored takes 1.5 ms a picture, measured on 1080p
 * made 720p; in one step with RGB, which mixes colours anew for each pixel, it takes 10. RGB is made here, of what is kept.
 */
import type { FrameCoding } from '../../schema/source.ts';
import type { RgbImage, Size } from '../images/index.ts';
import { rgbFilters, storedSize, turnFilters } from '../video/index.ts';

/** From this height on most videos are BT.709: those that are not are converted on the way. */
const HIGH_DEFINITION = 720;

/** How pictures are stored in the pipe. */
export interface PipeFormat {
  /** Of the upright picture. */
  readonly size: Size;
  /** Bytes of a picture. */
  readonly bytes: number;
  /** The filters of ffmpeg that make it. */
  readonly filters: readonly string[];
  /** Packed RGB of the bytes of one, in memory of its own. */
  toRgbImage(data: Buffer): RgbImage;
}

/** The form of pictures of `size` made of frames that are `full` upright and in square pixels. */
export function pipeFormat(full: Size, size: Size, coding: FrameCoding): PipeFormat {
  const { width, height } = size;
  // HDR needs all of ffmpeg's care.
  if (coding.range !== 'sdr') {
    return {
      size,
      bytes: width * height * 3,
      filters: rgbFilters(coding, size),
      toRgbImage: (data) => ({ data: Buffer.from(data), width, height }),
    };
  }
  const matrix = storedSize(coding, full).height >= HIGH_DEFINITION ? 'bt709' : 'bt601';
  const stored = storedSize(coding, size);
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const read = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  return {
    size,
    bytes: width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2),
    filters: [
      `scale=${stored.width}:${stored.height}:flags=bicubic+accurate_rnd:out_range=tv:out_color_matrix=${matrix}${read}`,
      'format=yuv420p',
      ...turnFilters(coding),
    ],
    toRgbImage: (data) => ({ data: toRgb(data, size, TABLES[matrix]), width, height }),
  };
}

/** RGB of luma in 16..235 and colour differences in 16..240 (BT.601, BT.709: 8 bits), one for each square of 2×2 pixels. */
function toRgb(data: Buffer, { width, height }: Size, { luma, red, green, blue, clamp }: Tables): Buffer {
  const columns = Math.ceil(width / 2);
  const blueAt = width * height;
  const redAt = blueAt + columns * Math.ceil(height / 2);
  const rgb = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0; y < height; y++) {
    let from = y * width;
    let to = 3 * from;
    const end = from + width;
    // Where the width is odd, the last pair reaches into the next row, which is written after it.
    for (let at = (y >> 1) * columns; from < end; at++, from += 2, to += 6) {
      const b = data[blueAt + at] ?? 0;
      const r = data[redAt + at] ?? 0;
      const addRed = red[r] ?? 0;
      const addGreen = (green.red[r] ?? 0) + (green.blue[b] ?? 0);
      const addBlue = blue[b] ?? 0;
      const left = luma[data[from] ?? 0] ?? 0;
      rgb[to] = clamp[(left + addRed) >> 16] ?? 0;
      rgb[to + 1] = clamp[(left + addGreen) >> 16] ?? 0;
      rgb[to + 2] = clamp[(left + addBlue) >> 16] ?? 0;
      const right = luma[data[from + 1] ?? 0] ?? 0;
      rgb[to + 3] = clamp[(right + addRed) >> 16] ?? 0;
      rgb[to + 4] = clamp[(right + addGreen) >> 16] ?? 0;
      rgb[to + 5] = clamp[(right + addBlue) >> 16] ?? 0;
    }
  }
  return rgb;
}

/** What each level adds, in 65,536ths, and what sums are as levels. Looking up takes half the time of computing. */
interface Tables {
  readonly luma: Int32Array;
  readonly red: Int32Array;
  readonly green: { readonly red: Int32Array; readonly blue: Int32Array };
  readonly blue: Int32Array;
  /** By the whole part of a sum, which `ABOVE` keeps from being negative. */
  readonly clamp: Uint8Array;
}

const ONE = 2 ** 16;
const ABOVE = 512;

function tablesOf({ red, blue }: { readonly red: number; readonly blue: number }): Tables {
  const green = 1 - red - blue;
  const table = (zero: number, factor: number, offset: number): Int32Array =>
    Int32Array.from({ length: 256 }, (_, level) => Math.round(ONE * ((level - zero) * factor + offset)));
  const [redOfRed, blueOfBlue] = [(2 * (1 - red) * 255) / 224, (2 * (1 - blue) * 255) / 224];
  const half = ABOVE + 0.5;
  return {
    luma: table(16, 255 / 219, 0),
    red: table(128, redOfRed, half),
    green: {
      red: table(128, (-redOfRed * red) / green, half),
      blue: table(128, (-blueOfBlue * blue) / green, 0),
    },
    blue: table(128, blueOfBlue, half),
    clamp: Uint8Array.from({ length: 3 * ABOVE }, (_, sum) => Math.min(255, Math.max(0, sum - ABOVE))),
  };
}

/** By the shares of red and blue in luma (ITU-R BT.709 and BT.601, 3.2). */
const TABLES = {
  bt709: tablesOf({ red: 0.2126, blue: 0.0722 }),
  bt601: tablesOf({ red: 0.299, blue: 0.114 }),
} as const;
