/** A hash of how an image looks, by which it can be found in a list of decisions. */

const SIDE = 8;

/**
 * 64 bits, as 16 hexadecimal digits, of which similar images share most: for each of 8×8 cells whether the
 * next one to the right is brighter ("difference hash", dHash). `luma` has rows of `width` cells.
 */
export function perceptualHash(luma: ArrayLike<number>, width: number, height: number): string {
  const columns = SIDE + 1;
  const sums = new Float64Array(columns * SIDE);
  const counts = new Uint32Array(columns * SIDE);
  const edges = Array.from({ length: columns + 1 }, (_, column) => Math.ceil((column * width) / columns));
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y * SIDE) / height) * columns;
    for (let column = 0; column < columns; column++) {
      const [left = 0, right = 0] = [edges[column], edges[column + 1]];
      let sum = 0;
      for (let at = y * width + left; at < y * width + right; at++) sum += luma[at] ?? 0;
      sums[row + column] = (sums[row + column] ?? 0) + sum;
      counts[row + column] = (counts[row + column] ?? 0) + right - left;
    }
  }
  const mean = (cell: number): number => (sums[cell] ?? 0) / (counts[cell] || 1);
  let hash = 0n;
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const cell = y * columns + x;
      hash = (hash << 1n) | (mean(cell + 1) > mean(cell) ? 1n : 0n);
    }
  }
  return hash.toString(16).padStart(16, '0');
}
