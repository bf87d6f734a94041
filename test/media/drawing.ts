/**
 * Draws what people film and record, in plain buffers: pages of text, textured places, things that move.
 * Packed RGB.
 */

export interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

export type Colour = readonly [red: number, green: number, blue: number];

/** Park and Miller's generator, 0 to 1: the same drawing in every run. */
export function generator(seed: number): () => number {
  let state = (seed * 7919 + 17) % 2_147_483_647;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export function canvas(width: number, height: number, [red, green, blue]: Colour = [255, 255, 255]): Canvas {
  const data = Buffer.alloc(width * height * 3);
  for (let at = 0; at < data.length; at += 3) {
    data[at] = red;
    data[at + 1] = green;
    data[at + 2] = blue;
  }
  return { width, height, data };
}

export function copyOf({ width, height, data }: Canvas): Canvas {
  return { width, height, data: Buffer.from(data) };
}

export function box(
  on: Canvas,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: Colour,
): void {
  const [x0, x1] = [Math.max(0, Math.round(left)), Math.min(on.width, Math.round(left + width))];
  for (let y = Math.max(0, Math.round(top)); y < Math.min(on.height, Math.round(top + height)); y++) {
    for (let x = x0, at = (y * on.width + x0) * 3; x < x1; x++, at += 3) {
      on.data[at] = colour[0];
      on.data[at + 1] = colour[1];
      on.data[at + 2] = colour[2];
    }
  }
}

export function disc(on: Canvas, x: number, y: number, rx: number, ry: number, colour: Colour): void {
  for (let dy = -Math.ceil(ry); dy <= ry; dy++) {
    const half = rx * Math.sqrt(Math.max(0, 1 - (dy / ry) ** 2));
    box(on, x - half, y + dy, 2 * half, 1, colour);
  }
}

/** One letter of 5×7 dots of `dot` pixels; which one, `seed` says. */
export function letter(
  on: Canvas,
  left: number,
  top: number,
  dot: number,
  seed: number,
  colour: Colour,
): void {
  const random = generator(seed * 31 + 5);
  for (let y = 0; y < 7; y++) {
    for (let x = 0; x < 5; x++) {
      if (random() < 0.45) box(on, left + x * dot, top + y * dot, dot, dot, colour);
    }
  }
}

/** A line of words. */
export function words(
  on: Canvas,
  left: number,
  top: number,
  dot: number,
  letters: number,
  seed: number,
  colour: Colour = [30, 30, 50],
): void {
  for (let k = 0; k < letters; k++) {
    if ((k + seed) % 6 !== 5) letter(on, left + k * 6 * dot, top, dot, seed * 1000 + k, colour);
  }
}

/** A place with things in it: light and dark patches, boxes and discs in a colour of its own. */
export function place(width: number, height: number, seed: number): Canvas {
  const random = generator(seed);
  const base: Colour = [60 + 130 * random(), 60 + 130 * random(), 60 + 130 * random()];
  const picture = canvas(width, height, base);
  const things = Math.round((width * height) / 2500);
  for (let k = 0; k < things; k++) {
    const light = 0.35 + 1.1 * random();
    const own = (level: number): number => Math.min(255, level * light + 40 * (random() - 0.5));
    const colour: Colour = [own(base[0]), own(base[1]), own(base[2])];
    const size = 6 + (height / 5) * random() ** 2;
    const [x, y] = [random() * width, random() * height];
    if (k % 2) disc(picture, x, y, size, size * (0.4 + random()), colour);
    else box(picture, x - size, y - size / 2, 2 * size, size, colour);
  }
  return picture;
}

/** The part of `from` of the size of a frame whose upper left corner is at `(x, y)`. */
export function crop(from: Canvas, x: number, y: number, width: number, height: number): Canvas {
  const left = Math.max(0, Math.min(from.width - width, Math.round(x)));
  const top = Math.max(0, Math.min(from.height - height, Math.round(y)));
  const data = Buffer.alloc(width * height * 3);
  for (let row = 0; row < height; row++) {
    const at = ((top + row) * from.width + left) * 3;
    from.data.copy(data, row * width * 3, at, at + width * 3);
  }
  return { width, height, data };
}

/** `share` of `b` over `a`. */
export function mix(a: Canvas, b: Canvas, share: number): Canvas {
  const data = Buffer.alloc(a.data.length);
  for (let at = 0; at < data.length; at++) {
    data[at] = Math.round((a.data[at] ?? 0) * (1 - share) + (b.data[at] ?? 0) * share);
  }
  return { width: a.width, height: a.height, data };
}

/** Grain of at most `levels` each way. */
export function grain(on: Canvas, levels: number, random: () => number): void {
  for (let at = 0; at < on.data.length; at += 3) {
    const noise = Math.round((random() + random() - 1) * levels);
    for (let c = at; c < at + 3; c++) on.data[c] = Math.max(0, Math.min(255, (on.data[c] ?? 0) + noise));
  }
}

/** A picture out of focus. */
export function blurred(from: Canvas, radius: number): Canvas {
  const small = Math.max(2, radius);
  const out = canvas(from.width, from.height);
  for (let y = 0; y < from.height; y++) {
    for (let x = 0; x < from.width; x++) {
      const at = (y * from.width + x) * 3;
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let k = -2; k <= 2; k++) {
          const sx = Math.max(0, Math.min(from.width - 1, x + Math.round((k * small) / 2)));
          const sy = Math.max(0, Math.min(from.height - 1, y + Math.round((k * small) / 2)));
          sum +=
            (from.data[(y * from.width + sx) * 3 + c] ?? 0) + (from.data[(sy * from.width + x) * 3 + c] ?? 0);
        }
        out.data[at + c] = Math.round(sum / 10);
      }
    }
  }
  return out;
}
