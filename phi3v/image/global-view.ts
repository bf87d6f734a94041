import { CROP_SIDE } from './hd-transform-size.ts';
import { type Normalizer, normalizer } from './normalize.ts';

/**
 * Weights of torch's `interpolate(mode='bicubic')` (A = -0.75) half-way between two pixels, times 32. Sides
 * are multiples of 336, so all output positions are alike: half-way between two pixels (even multiples) or on
 * a pixel (odd ones).
 */
const OUTER = -3;
const INNER = 19;
const SCALE = 32;

const PLANE = CROP_SIDE * CROP_SIDE;

/**
 * Writes the image resized to 336×336 and normalized, as three planes, to the beginning of `values`: torch's
 * `interpolate(mode='bicubic', align_corners=False)` with up to 4×4 taps, no antialiasing and no clamping.
 * The reference normalizes first. Since the weights add up to one, weighting the bytes first gives the same,
 * in integers without rounding.
 */
export function writeGlobalView(data: Uint8Array, width: number, height: number, values: Float32Array): void {
  const row = new Int32Array(width * 3);
  const columns = firstTaps(width);
  const rows = firstTaps(height);
  const channels = [
    scaled(normalizer('red')),
    scaled(normalizer('green')),
    scaled(normalizer('blue')),
  ] as const;
  for (let y = 0; y < CROP_SIDE; y++) {
    mixRows(data, width * 3, height, rows[y] ?? 0, row);
    writeRow(row, width, columns, channels, values, y * CROP_SIDE);
  }
}

/** For each output position the input pixel at it, or the one before it. */
function firstTaps(inputSize: number): Int32Array {
  const step = inputSize / CROP_SIDE;
  return Int32Array.from({ length: CROP_SIDE }, (_, o) => Math.floor((o + 0.5) * step - 0.5));
}

function isOnPixel(inputSize: number): boolean {
  return (inputSize / CROP_SIDE) % 2 === 1;
}

/** A normalizer for sums of bytes that both passes have multiplied by 32. */
function scaled({ factor, offset }: Normalizer): Normalizer {
  return { factor: factor / (SCALE * SCALE), offset };
}

/** Weighted sum of input rows, times 32: the row `base`, or the four rows around it. */
function mixRows(data: Uint8Array, length: number, height: number, base: number, row: Int32Array): void {
  const b = base * length;
  if (isOnPixel(height)) {
    for (let i = 0; i < length; i++) row[i] = (data[b + i] ?? 0) * SCALE;
    return;
  }
  const a = Math.max(0, base - 1) * length;
  const c = b + length;
  const d = Math.min(height - 1, base + 2) * length;
  for (let i = 0; i < length; i++) {
    row[i] =
      INNER * ((data[b + i] ?? 0) + (data[c + i] ?? 0)) + OUTER * ((data[a + i] ?? 0) + (data[d + i] ?? 0));
  }
}

function writeRow(
  row: Int32Array,
  width: number,
  columns: Int32Array,
  [red, green, blue]: readonly [Normalizer, Normalizer, Normalizer],
  values: Float32Array,
  at: number,
): void {
  const [inner, outer] = isOnPixel(width) ? [SCALE / 2, 0] : [INNER, OUTER];
  const next = isOnPixel(width) ? 0 : 3;
  for (let x = 0; x < CROP_SIDE; x++) {
    const base = columns[x] ?? 0;
    const a = Math.max(0, base - 1) * 3;
    const b = base * 3;
    const c = b + next;
    const d = Math.min(width - 1, base + 2) * 3;
    const reds = inner * ((row[b] ?? 0) + (row[c] ?? 0)) + outer * ((row[a] ?? 0) + (row[d] ?? 0));
    const greens =
      inner * ((row[b + 1] ?? 0) + (row[c + 1] ?? 0)) + outer * ((row[a + 1] ?? 0) + (row[d + 1] ?? 0));
    const blues =
      inner * ((row[b + 2] ?? 0) + (row[c + 2] ?? 0)) + outer * ((row[a + 2] ?? 0) + (row[d + 2] ?? 0));
    values[at + x] = reds * red.factor - red.offset;
    values[at + x + PLANE] = greens * green.factor - green.offset;
    values[at + x + 2 * PLANE] = blues * blue.factor - blue.offset;
  }
}
