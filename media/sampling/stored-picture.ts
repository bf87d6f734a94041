/**
 * The form in which pictures come out of ffmpeg while it is open which of them are kept. Of a video of ordinary size they come
 * as they are stored, which costs next to nothing, and only those that are kept are scaled and made RGB here; measured on
 * 1080p, that takes ffmpeg 12 ms a picture. Larger ones would fill the memory, and HDR needs ffmpeg's filters.
 */
import sharp from 'sharp';
import type { PictureCoding } from '../../schema/source.ts';
import type { Picture, Size } from '../picture.ts';
import { pictureFilters, storedSize } from '../picture-filters.ts';

/** Most pixels of a picture that is handed over as it is stored. */
const MOST_PIXELS = 1920 * 1088;
/** From this height on most videos are BT.709: those that are not are converted by ffmpeg. */
const HIGH_DEFINITION = 720;

export interface PictureForm {
  readonly filters: readonly string[];
  /** Bytes of a picture in the pipe. */
  readonly bytes: number;
  /** The picture that `data` stands for. */
  picture(data: Buffer): Promise<Picture>;
}

/** `full`: size of the frames upright, in square pixels; `size`: that of the pictures. */
export function pictureForm(full: Size, size: Size, coding: PictureCoding): PictureForm {
  if (coding.range !== 'sdr' || full.width * full.height > MOST_PIXELS) {
    return {
      filters: pictureFilters(coding, size),
      bytes: size.width * size.height * 3,
      picture: async (data) => ({ data, ...size }),
    };
  }
  const stored = storedSize(coding, full);
  const matrix = stored.height >= HIGH_DEFINITION ? 'bt709' : 'bt601';
  const half = { width: Math.ceil(stored.width / 2), height: Math.ceil(stored.height / 2) };
  const [lumas, chromas] = [stored.width * stored.height, half.width * half.height];
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const read = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  const written = `flags=bicubic+accurate_rnd:out_range=tv:out_color_matrix=${matrix}`;
  return {
    filters: [`scale=${stored.width}:${stored.height}:${written}${read}`, 'format=yuv420p'],
    bytes: lumas + 2 * chromas,
    async picture(data) {
      const to = storedSize(coding, size);
      const planes = await Promise.all([
        scaled(data.subarray(0, lumas), stored, to),
        scaled(data.subarray(lumas, lumas + chromas), half, to),
        scaled(data.subarray(lumas + chromas), half, to),
      ]);
      return { data: toRgb(planes, to, size, coding, WEIGHTS[matrix]), ...size };
    },
  };
}

async function scaled(plane: Buffer, from: Size, to: Size): Promise<Buffer> {
  if (from.width === to.width && from.height === to.height) return plane;
  return sharp(plane, { raw: { ...from, channels: 1 } })
    .resize({ ...to, fit: 'fill', kernel: 'cubic' })
    .toColourspace('b-w')
    .raw()
    .toBuffer();
}

interface Weights {
  readonly redRed: number;
  readonly greenBlue: number;
  readonly greenRed: number;
  readonly blueBlue: number;
}

/** What a step of the colour differences adds, by ITU-R BT.709 and BT.601; limited range. */
const WEIGHTS: Readonly<Record<'bt709' | 'bt601', Weights>> = {
  bt709: weights(0.2126, 0.0722),
  bt601: weights(0.299, 0.114),
};

function weights(red: number, blue: number): Weights {
  const range = 255 / 224;
  const green = 1 - red - blue;
  return {
    redRed: range * 2 * (1 - red),
    greenBlue: (-range * 2 * (1 - blue) * blue) / green,
    greenRed: (-range * 2 * (1 - red) * red) / green,
    blueBlue: range * 2 * (1 - blue),
  };
}

/** Packed RGB of `size`, turned upright, of planes of size `from`. */
function toRgb(
  [lumas, blues, reds]: readonly [Buffer, Buffer, Buffer],
  from: Size,
  size: Size,
  coding: PictureCoding,
  { redRed, greenBlue, greenRed, blueBlue }: Weights,
): Buffer {
  const data = Buffer.allocUnsafe(size.width * size.height * 3);
  const rgb = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length); // rounds and clamps
  const { start, right, down } = wayThrough(size, coding);
  for (let y = 0, at = 0; y < from.height; y++) {
    for (let x = 0, to = 3 * (start + y * down); x < from.width; x++, at++, to += 3 * right) {
      const luma = ((lumas[at] ?? 0) - 16) * (255 / 219);
      const blue = (blues[at] ?? 0) - 128;
      const red = (reds[at] ?? 0) - 128;
      rgb[to] = luma + redRed * red;
      rgb[to + 1] = luma + greenBlue * blue + greenRed * red;
      rgb[to + 2] = luma + blueBlue * blue;
    }
  }
  return data;
}

/** Where in an upright picture the first stored pixel lies, and how far the next one to the right and the one below are. */
function wayThrough(
  { width, height }: Size,
  { turn, mirrored }: PictureCoding,
): { readonly start: number; readonly right: number; readonly down: number } {
  const [x, y, right, down] = (
    {
      0: [0, 0, 1, width],
      90: [width - 1, 0, width, -1],
      180: [width - 1, height - 1, -1, -width],
      270: [0, height - 1, -width, 1],
    } as const
  )[turn];
  if (!mirrored) return { start: y * width + x, right, down };
  const flip = (step: number): number => (Math.abs(step) === 1 && width > 1 ? -step : step);
  return { start: y * width + (width - 1 - x), right: flip(right), down: flip(down) };
}
