/**
 * The format in which images leave ffmpeg while it is undecided which of them are kept: scaled, and in the
 * colours in which videos are stored (`yuv420p`), half the bytes of RGB. Scaling planes as they are stored
 * takes 1.5 ms an image, measured on 1080p scaled to 720p; together with RGB, which interpolates chroma for
 * each pixel, it takes 10. Kept images become RGB here.
 */
import type { FrameCoding } from '../../schema/source.ts';
import type { RgbImage, Size } from '../images/index.ts';
import { rgbFilters, scaleFilters, storedSize, turnFilters } from '../video/index.ts';

/** From this height on most videos are BT.709; those that are not are converted by the same filter. */
const HIGH_DEFINITION_LINES = 720;

/** How images are stored in the pipe. */
export interface PipeFormat {
  /** Bytes of an image. */
  readonly bytes: number;
  /** The filters of ffmpeg that produce it. */
  readonly filters: readonly string[];
  /** Converts an image to packed RGB in newly allocated memory. */
  toRgbImage(data: Buffer): RgbImage;
}

/** The format of images of `size`, made from frames that are `full` when upright and in square pixels. */
export function pipeFormat(full: Size, size: Size, coding: FrameCoding): PipeFormat {
  const { width, height } = size;
  // HDR needs ffmpeg's exact conversion.
  if (coding.range !== 'sdr') {
    return {
      bytes: width * height * 3,
      filters: rgbFilters(coding, size),
      toRgbImage: (data) => ({ data: Buffer.from(data), width, height }),
    };
  }
  const matrix = storedSize(coding, full).height >= HIGH_DEFINITION_LINES ? 'bt709' : 'bt601';
  const stored = storedSize(coding, size);
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const read = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  return {
    bytes: width * height + 2 * Math.ceil(width / 2) * Math.ceil(height / 2),
    filters: [
      ...scaleFilters(stored, `flags=bicubic+accurate_rnd:out_range=tv:out_color_matrix=${matrix}${read}`),
      'format=yuv420p',
      ...turnFilters(coding),
    ],
    toRgbImage: (data) => ({ data: toRgb(data, size, TABLES[matrix]), width, height }),
  };
}

/**
 * Converts luma in 16..235 and colour differences in 16..240 (BT.601, BT.709: 8 bits), one for each square of
 * 2×2 pixels, to packed RGB.
 */
function toRgb(data: Buffer, { width, height }: Size, { luma, red, green, blue, clamp }: Tables): Buffer {
  const columns = Math.ceil(width / 2);
  const blueAt = width * height;
  const redAt = blueAt + columns * Math.ceil(height / 2);
  const rgb = Buffer.allocUnsafe(width * height * 3);
  for (let y = 0; y < height; y++) {
    let from = y * width;
    let to = 3 * from;
    const end = from + width;
    // Where the width is odd, the last pair extends into the next row, which is written after it.
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

/**
 * The contribution of each level, in 65,536ths, and the level of each sum. A look-up takes half the time of
 * computing.
 */
interface Tables {
  readonly luma: Int32Array;
  readonly red: Int32Array;
  readonly green: { readonly red: Int32Array; readonly blue: Int32Array };
  readonly blue: Int32Array;
  /** By the integer part of a sum, to which `OFFSET` was added because sums can be negative. */
  readonly clamp: Uint8Array;
}

const ONE = 2 ** 16; // fixed point, 16 bits of fraction
const OFFSET = 512;

function tablesOf({ red, blue }: { readonly red: number; readonly blue: number }): Tables {
  const green = 1 - red - blue;
  const table = (zero: number, factor: number, offset: number): Int32Array =>
    Int32Array.from({ length: 256 }, (_, level) => Math.round(ONE * ((level - zero) * factor + offset)));
  const [redOfRed, blueOfBlue] = [(2 * (1 - red) * 255) / 224, (2 * (1 - blue) * 255) / 224];
  const half = OFFSET + 0.5;
  return {
    luma: table(16, 255 / 219, 0),
    red: table(128, redOfRed, half),
    green: {
      red: table(128, (-redOfRed * red) / green, half),
      blue: table(128, (-blueOfBlue * blue) / green, 0),
    },
    blue: table(128, blueOfBlue, half),
    clamp: Uint8Array.from({ length: 3 * OFFSET }, (_, sum) => Math.min(255, Math.max(0, sum - OFFSET))),
  };
}

/** Weights of red and blue in luma: ITU-R BT.709 and BT.601, 3.2. */
const TABLES = {
  bt709: tablesOf({ red: 0.2126, blue: 0.0722 }),
  bt601: tablesOf({ red: 0.299, blue: 0.114 }),
} as const;
