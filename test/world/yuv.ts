/** The picture format of H.264: one brightness per pixel, two colour differences per 2x2 pixels. */

export interface Yuv420 {
  /** Brightness, then both colour differences, as ffmpeg's `yuv420p` lays them out. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * ITU-R BT.709 in studio range (brightness 16 to 235), in 16-bit fixed point. Width and height must be even.
 */
export function toYuv420(rgba: Uint8Array, width: number, height: number): Yuv420 {
  const pixels = width * height;
  const data = new Uint8Array(pixels * 1.5);
  for (let pixel = 0, at = 0; pixel < pixels; pixel++, at += 4) {
    const red = rgba[at] ?? 0;
    const green = rgba[at + 1] ?? 0;
    const blue = rgba[at + 2] ?? 0;
    data[pixel] = (11966 * red + 40254 * green + 4064 * blue + 16.5 * 2 ** 16) >> 16;
  }
  let chroma = pixels;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2, chroma++) {
      // The first of the four pixels stands for all: edges of one colour shift by half a pixel, which nobody
      // sees.
      const at = (y * width + x) * 4;
      const red = rgba[at] ?? 0;
      const green = rgba[at + 1] ?? 0;
      const blue = rgba[at + 2] ?? 0;
      data[chroma] = (-6596 * red - 22189 * green + 28785 * blue + 128.5 * 2 ** 16) >> 16;
      data[chroma + pixels / 4] = (28785 * red - 26145 * green - 2639 * blue + 128.5 * 2 ** 16) >> 16;
    }
  }
  return { data, width, height };
}
