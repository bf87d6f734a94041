/** A decoded image: upright, square pixels, sRGB, opaque. */
export interface RgbImage {
  /** Packed RGB, 8 bits per channel, rows from top to bottom without padding: `width * height * 3` bytes. */
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * Scales `size` down, never up, to a long side of at most `maxSide` pixels; the aspect ratio is kept to the
 * pixel.
 */
export function fitWithin(size: Size, maxSide: number): Size {
  const scale = Math.min(1, maxSide / Math.max(size.width, size.height));
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}
