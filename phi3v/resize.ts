/** Bits after the binary point of the filter weights, as in Pillow's `Resample.c` for 8-bit pictures. */
const PRECISION_BITS = 22;
const ROUNDING = 1 << (PRECISION_BITS - 1);

interface Filter {
  /** First input position of each output position. */
  readonly start: Int32Array;
  /** Number of weights of each output position. */
  readonly count: Int32Array;
  /** `taps` weights per output position, the unused ones 0. */
  readonly weights: Int32Array;
  readonly taps: number;
}

function triangleFilter(inputSize: number, outputSize: number): Filter {
  const scale = inputSize / outputSize;
  const support = Math.max(1, scale);
  const taps = Math.ceil(support) * 2 + 1;
  const start = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  const exact = new Float64Array(taps);
  for (let o = 0; o < outputSize; o++) {
    const center = (o + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - support + 0.5));
    const to = Math.min(inputSize, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let i = from; i < to; i++) {
      const weight = Math.max(0, 1 - Math.abs((i - center + 0.5) * (1 / support)));
      exact[i - from] = weight;
      sum += weight;
    }
    for (let i = 0; i < to - from; i++) {
      weights[o * taps + i] = Math.trunc(((exact[i] ?? 0) / sum) * 2 ** PRECISION_BITS + 0.5);
    }
    start[o] = from;
    count[o] = to - from;
  }
  return { start, count, weights, taps };
}

/** Resizes each row of packed RGB. The sums stay below 2^31: weights add up to 2^22, bytes to 255. */
function resizeRows(data: Uint8Array, width: number, height: number, outputWidth: number): Uint8Array {
  const { start, count, weights, taps } = triangleFilter(width, outputWidth);
  const output = new Uint8Array(outputWidth * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    const row = y * width * 3;
    for (let x = 0; x < outputWidth; x++) {
      let pixel = row + (start[x] ?? 0) * 3;
      const end = x * taps + (count[x] ?? 0);
      let red = ROUNDING;
      let green = ROUNDING;
      let blue = ROUNDING;
      for (let k = x * taps; k < end; k++) {
        const weight = weights[k] ?? 0;
        red += Math.imul(data[pixel] ?? 0, weight);
        green += Math.imul(data[pixel + 1] ?? 0, weight);
        blue += Math.imul(data[pixel + 2] ?? 0, weight);
        pixel += 3;
      }
      output[at] = clamp(red >> PRECISION_BITS);
      output[at + 1] = clamp(green >> PRECISION_BITS);
      output[at + 2] = clamp(blue >> PRECISION_BITS);
      at += 3;
    }
  }
  return output;
}

/** Resizes each column; `stride` is the length of a row in bytes. */
function resizeColumns(data: Uint8Array, stride: number, height: number, outputHeight: number): Uint8Array {
  const { start, count, weights, taps } = triangleFilter(height, outputHeight);
  const output = new Uint8Array(stride * outputHeight);
  const sums = new Int32Array(stride);
  for (let y = 0; y < outputHeight; y++) {
    sums.fill(ROUNDING);
    for (let k = 0; k < (count[y] ?? 0); k++) {
      const weight = weights[y * taps + k] ?? 0;
      const row = ((start[y] ?? 0) + k) * stride;
      for (let i = 0; i < stride; i++) {
        sums[i] = (sums[i] ?? 0) + Math.imul(data[row + i] ?? 0, weight);
      }
    }
    const row = y * stride;
    for (let i = 0; i < stride; i++) output[row + i] = clamp((sums[i] ?? 0) >> PRECISION_BITS);
  }
  return output;
}

function clamp(value: number): number {
  return Math.min(value, 255);
}

/**
 * Pillow's `resize(size, BILINEAR)` of packed 8-bit RGB, bit for bit: an antialiased triangle filter in fixed point, the
 * rows first, then the columns, a pass left out where the size stays.
 */
export function resizeBilinear(
  data: Uint8Array,
  width: number,
  height: number,
  outputWidth: number,
  outputHeight: number,
): Uint8Array {
  const rows = outputWidth === width ? data : resizeRows(data, width, height, outputWidth);
  return outputHeight === height ? rows : resizeColumns(rows, outputWidth * 3, height, outputHeight);
}
