/**
 * The number of a source frame, written into its picture: a strip of 32 cells along the lower edge, 1/160 of
 * the width high, each a little brighter or darker than the ground it stands on. It is so faint that neither
 * the model (measured: none of 160 captions changes) nor the search for duplicates (measured: a still picture
 * stays one) minds it, yet it survives H.264, JPEG and scaling to 640 pixels, since each cell is large and
 * flat.
 */
import type { Yuv420 } from './yuv.ts';

/** A picture as rows of red, green, blue and perhaps alpha bytes. */
export interface Pixels {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
}

/** Of the width of the picture. */
const STRIP_HEIGHT = 1 / 160;
const INDEX_BITS = 20;
const CHECK_BITS = 8;
/** Brightness of a cell above or below the ground; studio range ends at 16 and 235. */
const CONTRAST = 5;
const BRIGHT_DARK = [1, 0] as const;
const DARK_BRIGHT = [0, 1] as const;

/** Writes `index` into the brightness of `picture`. Throws RangeError for an index of more than 20 bits. */
export function drawFrameIndex({ data, width, height }: Yuv420, index: number): void {
  const cells = encode(index);
  const top = height - Math.round(width * STRIP_HEIGHT);
  // Just above the strip, so that drawing the next index over this one finds the same ground.
  const ground = Math.max(16 + CONTRAST, Math.min(235 - CONTRAST, data[(top - 1) * width] ?? 0));
  for (const [position, bit] of cells.entries()) {
    const start = Math.round((position / cells.length) * width);
    const end = Math.round(((position + 1) / cells.length) * width);
    for (let y = top; y < height; y++) {
      data.fill(ground + (bit === 1 ? CONTRAST : -CONTRAST), y * width + start, y * width + end);
    }
  }
}

/** The index drawn into a picture of the same shape, or undefined where there is none that can be trusted. */
export function readFrameIndex(picture: Pixels): number | undefined {
  const length = BRIGHT_DARK.length + INDEX_BITS + CHECK_BITS + DARK_BRIGHT.length;
  const levels = Array.from({ length }, (_, position) => cellLevel(picture, position / length, 1 / length));
  const bright = ((levels[0] ?? 0) + (levels[length - 1] ?? 0)) / 2;
  const dark = ((levels[1] ?? 0) + (levels[length - 2] ?? 0)) / 2;
  if (bright - dark < CONTRAST) return undefined;
  const bits = levels.map((level) => (level > (bright + dark) / 2 ? 1 : 0));
  const start = BRIGHT_DARK.length;
  const index = Number.parseInt(bits.slice(start, start + INDEX_BITS).join(''), 2);
  return encode(index).join('') === bits.join('') ? index : undefined;
}

function encode(index: number): number[] {
  if (!Number.isInteger(index) || index < 0 || index >= 2 ** INDEX_BITS)
    throw new RangeError('no such frame index');
  // Any prime below 256 tells every single wrong bit: no power of two is a multiple of it.
  const check = (index * 181 + 59) % 251;
  return [...BRIGHT_DARK, ...binary(index, INDEX_BITS), ...binary(check, CHECK_BITS), ...DARK_BRIGHT];
}

function binary(value: number, bits: number): number[] {
  return Array.from({ length: bits }, (_, bit) => (value >> (bits - 1 - bit)) & 1);
}

/** Mean brightness of the middle of a cell, 0 to 255; `left` and `share` are shares of the width. */
function cellLevel({ data, width, height, channels }: Pixels, left: number, share: number): number {
  const from = Math.round(width * (left + share / 4));
  const to = Math.round(width * (left + (share * 3) / 4));
  const top = Math.floor(height - width * STRIP_HEIGHT * 0.75);
  const bottom = Math.max(top + 1, Math.ceil(height - width * STRIP_HEIGHT * 0.25));
  let sum = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = from; x < to; x++) {
      for (let channel = 0; channel < 3; channel++) sum += data[(y * width + x) * channels + channel] ?? 0;
    }
  }
  return sum / (3 * (to - from) * (bottom - top));
}
