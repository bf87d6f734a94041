/** A picture as the rest of the system takes it: upright, square pixels, sRGB, opaque. */
export interface RgbImage {
  /** Packed RGB, 8 bits a channel, rows from top to bottom without padding: `width * height * 3` bytes. */
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `size` made smaller, never larger, so that its long side is at most `maxSide`; the aspect is kept to the pixel. */
export function fitWithin(size: Size, maxSide: number): Size {
  const scale = Math.min(1, maxSide / Math.max(size.width, size.height));
  return {
    width: Math.max(1, Math.round(size.width * scale)),
    height: Math.max(1, Math.round(size.height * scale)),
  };
}
