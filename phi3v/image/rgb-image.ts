/**
 * A decoded image: packed 8-bit RGB, row by row from the top, `width * height * 3` bytes. Sides are in
 * pixels.
 */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
