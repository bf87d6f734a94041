import type { RgbImage } from './hd-transform.ts';
import { type Filter, PRECISION_BITS, TAP_GROUP, triangleFilter } from './triangle-filter.ts';

const ROUNDING = 1 << (PRECISION_BITS - 1);

/** A rectangle within a larger packed RGB picture. */
export interface Target {
  /** The larger picture. */
  readonly data: Uint8Array;
  /** Index of the rectangle's first byte. */
  readonly offset: number;
  /** Bytes from one row of the larger picture to the next. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Pillow's `resize(size, BILINEAR)` of packed 8-bit RGB, bit for bit, into a part of another picture: an antialiased
 * triangle filter in fixed point, first along the long side of the picture, then along the short one, each rounded to 8
 * bits. Pillow always takes the rows first; for pictures that are transposed before and after, that comes to the same.
 *
 * No sum leaves 32 bits or the range of a byte: bytes times weights that add up to 2^22 within rounding stay below 2^30.
 */
export function resizeBilinear(image: RgbImage, target: Target): void {
  const across = triangleFilter(image.width, target.width);
  const down = triangleFilter(image.height, target.height);
  const columnsFirst = image.width < image.height;
  const mixer = createMixer(down, (columnsFirst ? image.width : target.width) * 3);
  // May be read beyond its end: by taps of weight 0 where it is shorter than the filter, and by the fourth byte of a pixel.
  const row = new Uint8Array((Math.max(image.width, across.taps) + 1) * 3);
  const rowView = viewOf(row);
  const targetView = viewOf(target.data);
  const inputLength = image.width * 3;
  let read = 0;
  for (let y = 0; y < target.height; y++) {
    const needed = Math.min((down.start[y] ?? 0) + down.taps, image.height);
    for (; read < needed; read++) {
      const input = image.data.subarray(read * inputLength, (read + 1) * inputLength);
      const slot = (read % down.taps) * mixer.stride;
      if (columnsFirst) {
        mixer.ring.set(input, slot);
      } else {
        row.set(input);
        resizeRow(rowView, across, mixer.ring, slot, target.width);
      }
    }
    const at = target.offset + y * target.stride;
    if (columnsFirst) {
      mixRows(mixer, y, rowView, 0);
      resizeRow(rowView, across, target.data, at, target.width);
    } else {
      mixRows(mixer, y, targetView, at);
    }
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** A pixel is read as one word, red lowest: one bounds check instead of three makes this a quarter faster. */
function resizeRow(
  row: DataView,
  { start, weights, taps }: Filter,
  output: Uint8Array,
  offset: number,
  width: number,
): void {
  let at = offset;
  let weight = 0;
  for (let x = 0; x < width; x++) {
    let from = (start[x] ?? 0) * 3;
    let red = ROUNDING;
    let green = ROUNDING;
    let blue = ROUNDING;
    for (let k = 0; k < taps; k += TAP_GROUP) {
      const a = weights[weight] ?? 0;
      const b = weights[weight + 1] ?? 0;
      const c = weights[weight + 2] ?? 0;
      const p = row.getUint32(from, true);
      const q = row.getUint32(from + 3, true);
      const r = row.getUint32(from + 6, true);
      red += Math.imul(p & 255, a) + Math.imul(q & 255, b) + Math.imul(r & 255, c);
      green += Math.imul((p >>> 8) & 255, a) + Math.imul((q >>> 8) & 255, b) + Math.imul((r >>> 8) & 255, c);
      blue +=
        Math.imul((p >>> 16) & 255, a) + Math.imul((q >>> 16) & 255, b) + Math.imul((r >>> 16) & 255, c);
      weight += TAP_GROUP;
      from += TAP_GROUP * 3;
    }
    output[at] = red >> PRECISION_BITS;
    output[at + 1] = green >> PRECISION_BITS;
    output[at + 2] = blue >> PRECISION_BITS;
    at += 3;
  }
}

interface Mixer {
  readonly filter: Filter;
  /** The rows that the next output row may need: row `r` is in slot `r % taps`. No more than that lies between the two passes. */
  readonly ring: Uint8Array;
  readonly ringView: DataView;
  /** Bytes of a slot: those of a row, and up to three more to make whole words. */
  readonly stride: number;
  /** Sums of the groups of taps so far. */
  readonly sums: Int32Array;
}

function createMixer(filter: Filter, rowLength: number): Mixer {
  const stride = Math.ceil(rowLength / 4) * 4;
  const ring = new Uint8Array(filter.taps * stride);
  return { filter, ring, ringView: viewOf(ring), stride, sums: new Int32Array(stride) };
}

/** Writes output row `y`, in whole words: the weighted sum of rows of the ring. Words are half as dear here as bytes. */
function mixRows({ filter, ringView, stride, sums }: Mixer, y: number, output: DataView, at: number): void {
  const { start, weights, taps } = filter;
  const first = start[y] ?? 0;
  for (let k = 0; k < taps; k += TAP_GROUP) {
    const a = weights[y * taps + k] ?? 0;
    const b = weights[y * taps + k + 1] ?? 0;
    const c = weights[y * taps + k + 2] ?? 0;
    const rowA = ((first + k) % taps) * stride;
    const rowB = ((first + k + 1) % taps) * stride;
    const rowC = ((first + k + 2) % taps) * stride;
    const last = k + TAP_GROUP === taps;
    for (let i = 0; i < stride; i += 4) {
      const p = ringView.getUint32(rowA + i, true);
      const q = ringView.getUint32(rowB + i, true);
      const r = ringView.getUint32(rowC + i, true);
      const s0 =
        (k === 0 ? ROUNDING : (sums[i] ?? 0)) +
        Math.imul(p & 255, a) +
        Math.imul(q & 255, b) +
        Math.imul(r & 255, c);
      const s1 =
        (k === 0 ? ROUNDING : (sums[i + 1] ?? 0)) +
        Math.imul((p >>> 8) & 255, a) +
        Math.imul((q >>> 8) & 255, b) +
        Math.imul((r >>> 8) & 255, c);
      const s2 =
        (k === 0 ? ROUNDING : (sums[i + 2] ?? 0)) +
        Math.imul((p >>> 16) & 255, a) +
        Math.imul((q >>> 16) & 255, b) +
        Math.imul((r >>> 16) & 255, c);
      const s3 =
        (k === 0 ? ROUNDING : (sums[i + 3] ?? 0)) +
        Math.imul(p >>> 24, a) +
        Math.imul(q >>> 24, b) +
        Math.imul(r >>> 24, c);
      if (last) {
        const word =
          (s0 >> PRECISION_BITS) |
          ((s1 >> PRECISION_BITS) << 8) |
          ((s2 >> PRECISION_BITS) << 16) |
          ((s3 >> PRECISION_BITS) << 24);
        output.setUint32(at + i, word, true);
      } else {
        sums[i] = s0;
        sums[i + 1] = s1;
        sums[i + 2] = s2;
        sums[i + 3] = s3;
      }
    }
  }
}
