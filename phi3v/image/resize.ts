import { resizeKernel } from './resize-kernel.ts';
import type { RgbImage } from './rgb-image.ts';
import { type Filter, triangleFilter } from './triangle-filter.ts';

/** A rectangle within a larger packed RGB image. */
export interface Target {
  /** Pixels of the larger image. */
  readonly data: Uint8Array;
  /** Index of the rectangle's first byte. */
  readonly offset: number;
  /** Bytes from one row of the larger image to the next. */
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Pillow's `resize(size, BILINEAR)` of packed 8-bit RGB, bit for bit, into a part of another image: an
 * antialiased triangle filter in fixed point, first along the long side of the image, then along the short
 * one, each rounded to 8 bits. Pillow always filters rows first; for images that are transposed before and
 * after, the result is the same.
 *
 * Between the two passes only the rows for the next output row are stored, in a ring buffer: row `r` in slot
 * `r % taps`. So the kernel's memory stays in the processor's cache, whatever the size of the image.
 */
export function resizeBilinear(image: RgbImage, target: Target): void {
  const columnsFirst = image.width < image.height;
  const across = triangleFilter(image.width, target.width);
  const down = triangleFilter(image.height, target.height);
  const { kernel, bytes, at } = layOutMemory(
    image.width,
    target.width,
    columnsFirst ? image.width : target.width,
    across,
    down,
  );
  const inputLength = image.width * 3;
  const outputLength = target.width * 3;
  const rows = new Int32Array(bytes.buffer, at.rows, down.taps);
  let read = 0;
  for (let y = 0; y < target.height; y++) {
    const first = down.start[y] ?? 0;
    const needed = Math.min(first + down.taps, image.height);
    for (; read < needed; read++) {
      const slot = at.ring + (read % down.taps) * at.stride;
      const input = image.data.subarray(read * inputLength, (read + 1) * inputLength);
      bytes.set(input, columnsFirst ? slot : at.input);
      if (!columnsFirst) {
        kernel.resizeRow(at.input, at.starts, at.weightsAcross, across.taps, slot, target.width);
      }
    }
    for (let k = 0; k < down.taps; k++) rows[k] = at.ring + ((first + k) % down.taps) * at.stride;
    const weights = at.weightsDown + y * down.taps * 4;
    kernel.mixRows(at.rows, weights, down.taps, columnsFirst ? at.input : at.output, at.stride);
    if (columnsFirst) {
      kernel.resizeRow(at.input, at.starts, at.weightsAcross, across.taps, at.output, target.width);
    }
    target.data.set(bytes.subarray(at.output, at.output + outputLength), target.offset + y * target.stride);
  }
}

/**
 * Allocates the memory of the kernel. `ringWidth` is the width of the rows between the two passes, in pixels.
 */
function layOutMemory(
  inputWidth: number,
  outputWidth: number,
  ringWidth: number,
  across: Filter,
  down: Filter,
) {
  let size = 0;
  const allocate = (bytes: number): number => {
    const address = size;
    size += alignToVector(bytes);
    return address;
  };
  // `resizeRow` writes one byte beyond the row.
  const stride = alignToVector(ringWidth * 3 + 1);
  const at = {
    stride,
    // Reads may go beyond the end of a row: for taps of weight 0 where the image is narrower than the filter,
    // and for the fourth byte of a pixel.
    input: allocate((Math.max(inputWidth, across.taps) + 1) * 3),
    ring: allocate(down.taps * stride),
    output: allocate(Math.max(outputWidth * 3 + 1, stride)),
    rows: allocate(down.taps * 4),
    starts: allocate(outputWidth * 4),
    weightsAcross: allocate(across.weights.byteLength),
    weightsDown: allocate(down.weights.byteLength),
  };
  const { kernel, memory } = resizeKernel(size);
  new Int32Array(memory, at.starts, outputWidth).set(across.start.map((pixel) => pixel * 3));
  new Int32Array(memory, at.weightsAcross).set(across.weights);
  new Int32Array(memory, at.weightsDown).set(down.weights);
  return { kernel, bytes: new Uint8Array(memory), at };
}

function alignToVector(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}
