/**
 * The picture of which the corpus is made: four coloured corners that tell how it stands, and in its middle
 * the number of the frame, as black and white fields that survive every codec. What is read back rests on no
 * time and no order.
 */

export const WIDTH = 320;
export const HEIGHT = 180;

export interface Pixels {
  /** Packed rows of red, green, blue. */
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

type Rgb = readonly [red: number, green: number, blue: number];

/** Clockwise from the upper left corner. No turn and no mirroring leaves the order as it is. */
const CORNERS = {
  red: [200, 30, 30],
  green: [30, 160, 30],
  yellow: [200, 200, 30],
  blue: [30, 30, 200],
} as const satisfies Record<string, Rgb>;
type Colour = keyof typeof CORNERS;
export const UPRIGHT: readonly Colour[] = ['red', 'green', 'yellow', 'blue'];

const GREY: Rgb = [128, 128, 128];
const BLACK: Rgb = [16, 16, 16];
const WHITE: Rgb = [235, 235, 235];
const CORNER = { width: 64, height: 48 } as const;
/** The number: 12 bits, lowest first, then 4 that check them, in two rows of eight black and white fields. */
const CODE = { left: 64, top: 54, columns: 8, rows: 2, width: 24, height: 36 } as const;
const NUMBER_BITS = 12;

/** Frame `number`; the band above the number changes with it, so that no two frames look alike. */
export function drawFrame(number: number): Buffer {
  const data = Buffer.alloc(WIDTH * HEIGHT * 3);
  fill(data, 0, 0, WIDTH, HEIGHT, GREY);
  const band = 40 + ((number * 37) % 180);
  fill(data, CORNER.width, 0, WIDTH - 2 * CORNER.width, CORNER.height, [band, band, band]);
  for (const [index, colour] of UPRIGHT.entries()) {
    const left = index === 1 || index === 2 ? WIDTH - CORNER.width : 0;
    const top = index < 2 ? 0 : HEIGHT - CORNER.height;
    fill(data, left, top, CORNER.width, CORNER.height, CORNERS[colour]);
  }
  const code = codeOf(number);
  for (let bit = 0; bit < CODE.columns * CODE.rows; bit++) {
    const left = CODE.left + (bit % CODE.columns) * CODE.width;
    const top = CODE.top + Math.floor(bit / CODE.columns) * CODE.height;
    fill(data, left, top, CODE.width, CODE.height, (code >> bit) & 1 ? WHITE : BLACK);
  }
  return data;
}

/** The number in an upright picture of any size, or undefined where the check does not fit. */
export function readNumber(picture: Pixels): number | undefined {
  let code = 0;
  for (let bit = 0; bit < CODE.columns * CODE.rows; bit++) {
    const x = CODE.left + ((bit % CODE.columns) + 0.5) * CODE.width;
    const y = CODE.top + (Math.floor(bit / CODE.columns) + 0.5) * CODE.height;
    const [red, green, blue] = meanAt(picture, x, y);
    if (red + green + blue > 3 * 125) code |= 1 << bit;
  }
  let number = code & (2 ** NUMBER_BITS - 1);
  for (let shift = 1; shift < NUMBER_BITS; shift *= 2) number ^= number >> shift;
  return codeOf(number) === code ? number : undefined;
}

/**
 * The colours of the corners, clockwise from the upper left; `undefined` for one that is nothing like any of
 * the four.
 */
export function readCorners(picture: Pixels): readonly (Colour | undefined)[] {
  const [x, y] = [CORNER.width / 2, CORNER.height / 2];
  const centres = [
    [x, y],
    [WIDTH - x, y],
    [WIDTH - x, HEIGHT - y],
    [x, HEIGHT - y],
  ] as const;
  return centres.map(([left, top]) => {
    const seen = meanAt(picture, left, top);
    return UPRIGHT.find((colour) => CORNERS[colour].every((level, channel) => alike(level, seen[channel])));
  });
}

/**
 * A primary that is clearly on or clearly off: codecs shift colours a little, wide gamuts more than a little.
 */
function alike(level: number, seen = 0): boolean {
  return level > 128 ? seen > 140 : seen < 100 || level + 30 > seen;
}

/** Mean colour around a point given in the coordinates of the drawing. */
export function meanAt({ data, width, height }: Pixels, x: number, y: number): Rgb {
  const sum = [0, 0, 0];
  const [centreX, centreY] = [Math.floor((x * width) / WIDTH), Math.floor((y * height) / HEIGHT)];
  const reach = 3;
  for (let row = centreY - reach; row <= centreY + reach; row++) {
    for (let column = centreX - reach; column <= centreX + reach; column++) {
      for (let channel = 0; channel < 3; channel++) {
        sum[channel] = (sum[channel] ?? 0) + (data[(row * width + column) * 3 + channel] ?? 0);
      }
    }
  }
  const [red, green, blue] = sum.map((total) => total / (2 * reach + 1) ** 2);
  return [red ?? 0, green ?? 0, blue ?? 0];
}

/**
 * The number in Gray code: of two fields that are woven into a frame one bit differs, and that bit differs
 * from frame to frame as well. (A bit that alternated from field to field would look like still stripes to
 * any deinterlacer.) Each check bit is the odd parity of three others, so that a black picture holds no
 * number.
 */
function codeOf(number: number): number {
  const gray = number ^ (number >> 1);
  const parity = gray ^ (gray >> 4) ^ (gray >> 8);
  return gray | ((~parity & 0xf) << NUMBER_BITS);
}

function fill(
  data: Buffer,
  left: number,
  top: number,
  width: number,
  height: number,
  [red, green, blue]: Rgb,
): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) {
      const at = (y * WIDTH + x) * 3;
      data[at] = red;
      data[at + 1] = green;
      data[at + 2] = blue;
    }
  }
}
