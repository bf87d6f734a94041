/** A decoded picture, the right way up: packed 8-bit RGB, row after row, `width * height * 3` bytes. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}
