/** Decoded pixels: 8-bit RGB in row-major order, three bytes a pixel. */
export interface OcrImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * A rectangle around a line of text, in pixels. `angle` is the direction of the text, in radians, clockwise
 * from the x axis: `width` extends along it.
 */
export interface TextBox {
  readonly center: Point;
  readonly width: number;
  readonly height: number;
  readonly angle: number;
}
