/**
 * The form in which pictures come out of ffmpeg while it is open which of them are kept: scaled, as luma and colour differences
 * at half the size (`yuv420p`), and only those that are kept are made RGB here. Measured on 1080p made 720p, that takes ffmpeg
 * 2 ms a picture where RGB takes 10, and half as many bytes go through the pipe. HDR needs ffmpeg's filters.
 */
import type { PictureCoding } from '../../schema/source.ts';
import type { Picture, Size } from '../picture.ts';
import { pictureFilters, storedSize } from '../picture-filters.ts';

/** From this height on most videos are BT.709: those that are not are converted by ffmpeg. */
const HIGH_DEFINITION = 720;

export interface PictureForm {
  readonly filters: readonly string[];
  /** Bytes of a picture in the pipe. */
  readonly bytes: number;
  /** The picture that `data` stands for. */
  picture(data: Buffer): Picture;
}

/** `full`: size of the frames upright, in square pixels; `size`: that of the pictures. */
export function pictureForm(full: Size, size: Size, coding: PictureCoding): PictureForm {
  if (coding.range !== 'sdr') {
    return {
      filters: pictureFilters(coding, size),
      bytes: size.width * size.height * 3,
      picture: (data) => ({ data, ...size }),
    };
  }
  const matrix = storedSize(coding, full).height >= HIGH_DEFINITION ? 'bt709' : 'bt601';
  const stored = storedSize(coding, size);
  const half = { width: Math.ceil(stored.width / 2), height: Math.ceil(stored.height / 2) };
  // Limited and full range, and the matrix where the file names it, are read from each frame.
  const read = coding.matrix === undefined ? '' : `:in_color_matrix=${coding.matrix}`;
  const written = `flags=bicubic+accurate_rnd:out_range=tv:out_color_matrix=${matrix}`;
  return {
    filters: [`scale=${stored.width}:${stored.height}:${written}${read}`, 'format=yuv420p'],
    bytes: stored.width * stored.height + 2 * half.width * half.height,
    picture: (data) => ({ data: toRgb(data, stored, size, coding, WEIGHTS[matrix]), ...size }),
  };
}

/** What one step adds, in parts of 2^16, so that sums stay below 2^31. */
interface Weights {
  readonly luma: number;
  /** Of an eighth of a colour difference: of two rows the nearer counts three and the other one, of two columns each one. */
  readonly redRed: number;
  readonly greenBlue: number;
  readonly greenRed: number;
  readonly blueBlue: number;
}

const POINT = 16;

/** By ITU-R BT.709 and BT.601; limited range. */
const WEIGHTS: Readonly<Record<'bt709' | 'bt601', Weights>> = {
  bt709: weights(0.2126, 0.0722),
  bt601: weights(0.299, 0.114),
};

function weights(red: number, blue: number): Weights {
  const fixed = (weight: number): number => Math.round(weight * 2 ** POINT);
  const eighth = 255 / 224 / 8;
  const green = 1 - red - blue;
  return {
    luma: fixed(255 / 219),
    redRed: fixed(eighth * 2 * (1 - red)),
    greenBlue: fixed((-eighth * 2 * (1 - blue) * blue) / green),
    greenRed: fixed((-eighth * 2 * (1 - red) * red) / green),
    blueBlue: fixed(eighth * 2 * (1 - blue)),
  };
}

/**
 * Packed RGB of `size`, turned upright, of the planes of a picture of size `from`. A colour difference stands, as in MPEG-2 and
 * H.264, beside every other luma of a row and between two rows; those between are mixed from their neighbours.
 */
function toRgb(data: Buffer, from: Size, size: Size, coding: PictureCoding, by: Weights): Buffer {
  const half = { width: (from.width + 1) >> 1, height: (from.height + 1) >> 1 };
  const blues = from.width * from.height;
  const reds = blues + half.width * half.height;
  const result = Buffer.allocUnsafe(size.width * size.height * 3);
  const rgb = new Uint8ClampedArray(result.buffer, result.byteOffset, result.length);
  const blueRow = new Int32Array(half.width + 1);
  const redRow = new Int32Array(half.width + 1);
  const { start, right, down } = wayThrough(size, coding);
  for (let y = 0; y < from.height; y++) {
    const near = (y >> 1) * half.width;
    const other = Math.min(half.height - 1, Math.max(0, (y >> 1) + (y % 2 === 0 ? -1 : 1))) * half.width;
    mixRows(data, blues + near, blues + other, blueRow);
    mixRows(data, reds + near, reds + other, redRow);
    const lumas = data.subarray(y * from.width, (y + 1) * from.width);
    writeRow(lumas, blueRow, redRow, by, rgb, 3 * (start + y * down), 3 * right);
  }
  return result;
}

/** Writes a row of RGB to `to`, `step`, … of `rgb`, which clamps. */
function writeRow(
  lumas: Uint8Array,
  blues: Int32Array,
  reds: Int32Array,
  by: Weights,
  rgb: Uint8ClampedArray,
  start: number,
  step: number,
): void {
  const { redRed, greenBlue, greenRed, blueBlue } = by;
  for (let x = 0, to = start; x < lumas.length; x++, to += step) {
    const left = x >> 1;
    const right = (x + 1) >> 1; // the same one for every other luma
    const blue = (blues[left] ?? 0) + (blues[right] ?? 0);
    const red = (reds[left] ?? 0) + (reds[right] ?? 0);
    const luma = Math.imul((lumas[x] ?? 0) - 16, by.luma) + 2 ** (POINT - 1);
    rgb[to] = (luma + Math.imul(redRed, red)) >> POINT;
    rgb[to + 1] = (luma + Math.imul(greenBlue, blue) + Math.imul(greenRed, red)) >> POINT;
    rgb[to + 2] = (luma + Math.imul(blueBlue, blue)) >> POINT;
  }
}

/** Three parts of the colour row at `near` and one of that at `other`, around 0; its last value is there twice. */
function mixRows(data: Buffer, near: number, other: number, row: Int32Array): void {
  const width = row.length - 1;
  for (let x = 0; x < width; x++) row[x] = 3 * (data[near + x] ?? 0) + (data[other + x] ?? 0) - 512;
  row[width] = row[width - 1] ?? 0;
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
