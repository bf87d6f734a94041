/** The picture format of H.264: one brightness per pixel, two colour differences per 2x2 pixels. */

export interface Yuv420 {
  /** Brightness, then both colour differences, as ffmpeg's `yuv420p` lays them out. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** ITU-R BT.709 in studio range (brightness 16 to 235). Width and height must be even. */
export function toYuv420(rgba: Uint8Array, width: number, height: number): Yuv420 {
  const luma = width * height;
  const data = new Uint8Array(luma * 1.5);
  for (let pixel = 0; pixel < luma; pixel++) {
    const at = pixel * 4;
    data[pixel] =
      16.5 + 0.18259 * (rgba[at] ?? 0) + 0.61423 * (rgba[at + 1] ?? 0) + 0.06201 * (rgba[at + 2] ?? 0);
  }
  let chroma = luma;
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2, chroma++) {
      const at = (y * width + x) * 4;
      const mean = (channel: number): number => {
        const i = at + channel;
        const below = i + width * 4;
        return ((rgba[i] ?? 0) + (rgba[i + 4] ?? 0) + (rgba[below] ?? 0) + (rgba[below + 4] ?? 0)) / 4;
      };
      const red = mean(0);
      const green = mean(1);
      const blue = mean(2);
      data[chroma] = 128.5 - 0.10064 * red - 0.33857 * green + 0.43922 * blue;
      data[chroma + luma / 4] = 128.5 + 0.43922 * red - 0.39894 * green - 0.04027 * blue;
    }
  }
  return { data, width, height };
}
