/** Fractional bits of the weights, as in Pillow's `Resample.c` for 8-bit images. */
const PRECISION_BITS = 22;

/**
 * The kernel processes this many weights at a time, so the number of taps is a multiple of it. Filters
 * usually need two to three or five to six.
 */
export const TAP_GROUP = 3;

/**
 * A filter for one axis: output `o` is the sum of `taps` inputs from `start[o]` on, times
 * `weights[o * taps …]`.
 */
export interface Filter {
  readonly start: Int32Array;
  /** In units of 2^-22, not negative; those of one output add up to about 2^22. Unused taps are 0. */
  readonly weights: Int32Array;
  /** A multiple of `TAP_GROUP`. No output reads beyond the input, unless the input is shorter than this. */
  readonly taps: number;
}

/** Pillow's antialiased triangle filter (BILINEAR) in fixed point, weight for weight. */
export function triangleFilter(inputSize: number, outputSize: number): Filter {
  const scale = inputSize / outputSize;
  const support = Math.max(1, scale);
  const begin = (o: number): number => Math.max(0, Math.trunc((o + 0.5) * scale - support + 0.5));
  const end = (o: number): number => Math.min(inputSize, Math.trunc((o + 0.5) * scale + support + 0.5));

  let most = 0;
  for (let o = 0; o < outputSize; o++) most = Math.max(most, end(o) - begin(o));
  const taps = Math.ceil(most / TAP_GROUP) * TAP_GROUP;

  const start = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  for (let o = 0; o < outputSize; o++) {
    const from = begin(o);
    const exact = Float64Array.from({ length: end(o) - from }, (_, i) =>
      Math.max(0, 1 - Math.abs((i + from - (o + 0.5) * scale + 0.5) * (1 / support))),
    );
    const sum = exact.reduce((total, weight) => total + weight, 0);
    // At the far end the unused taps come first, so that no input beyond the end is read.
    const first = Math.max(0, Math.min(from, inputSize - taps));
    start[o] = first;
    exact.forEach((weight, i) => {
      weights[o * taps + from - first + i] = Math.trunc((weight / sum) * 2 ** PRECISION_BITS + 0.5);
    });
  }
  return { start, weights, taps };
}
