/** A contact sheet: many images on one, each with a label, as an overview of the selected frames. */
import { sharp } from '../../core/sharp.ts';

/** Pixels of an image on the sheet, of its label, and of the gap between images. */
const CELL_PX = { width: 256, height: 144, label: 22, gap: 6 } as const;
const COLUMNS = 6;
const BACKGROUND = { r: 24, g: 24, b: 28 };

/** The characters of a time as 5×7 dots: not every machine has fonts. */
const GLYPHS: Readonly<Record<string, string>> = {
  '0': '01110 10001 10011 10101 11001 10001 01110',
  '1': '00100 01100 00100 00100 00100 00100 01110',
  '2': '01110 10001 00001 00110 01000 10000 11111',
  '3': '11111 00010 00100 00010 00001 10001 01110',
  '4': '00010 00110 01010 10010 11111 00010 00010',
  '5': '11111 10000 11110 00001 00001 10001 01110',
  '6': '00110 01000 10000 11110 10001 10001 01110',
  '7': '11111 00001 00010 00100 01000 01000 01000',
  '8': '01110 10001 10001 01110 10001 10001 01110',
  '9': '01110 10001 10001 01111 00001 00010 01100',
  ':': '00000 00100 00100 00000 00100 00100 00000',
  '.': '00000 00000 00000 00000 00000 01100 01100',
};
const DOT_PX = 2;

export interface ContactSheetImage {
  /** The image as JPEG: a file or its bytes. */
  readonly image: string | Uint8Array;
  /** Text below it; only digits, periods and colons are drawn. */
  readonly label: string;
}

/** Renders a contact sheet as JPEG, six images to a row. Images are decoded one at a time. */
export async function renderContactSheet(images: readonly ContactSheetImage[]): Promise<Buffer> {
  const rows = Math.ceil(images.length / COLUMNS);
  const positionOf = (index: number): { left: number; top: number } => ({
    left: CELL_PX.gap + (index % COLUMNS) * (CELL_PX.width + CELL_PX.gap),
    top: CELL_PX.gap + Math.floor(index / COLUMNS) * (CELL_PX.height + CELL_PX.label),
  });
  const width = CELL_PX.gap + COLUMNS * (CELL_PX.width + CELL_PX.gap);
  const height = CELL_PX.gap + rows * (CELL_PX.height + CELL_PX.label);
  const sheet = Buffer.alloc(width * height * 3);
  for (let at = 0; at < sheet.length; at += 3) {
    sheet[at] = BACKGROUND.r;
    sheet[at + 1] = BACKGROUND.g;
    sheet[at + 2] = BACKGROUND.b;
  }
  for (const [index, { image, label }] of images.entries()) {
    const { left, top } = positionOf(index);
    const { data, info } = await sharp(image)
      .resize(CELL_PX.width, CELL_PX.height, { fit: 'inside' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const inset = Math.floor((CELL_PX.width - info.width) / 2);
    for (let y = 0; y < info.height; y++) {
      const at = ((top + y) * width + left + inset) * 3;
      data.copy(sheet, at, y * info.width * 3, (y + 1) * info.width * 3);
    }
    drawText(sheet, width, { left, top: top + CELL_PX.height + 4 }, label);
  }
  return sharp(sheet, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

function drawText(
  sheet: Buffer,
  width: number,
  { left, top }: { readonly left: number; readonly top: number },
  text: string,
): void {
  for (const [position, character] of [...text].entries()) {
    for (const [y, dots] of (GLYPHS[character] ?? '').split(' ').entries()) {
      for (const [x, dot] of [...dots].entries()) {
        if (dot !== '1') continue;
        const column = left + (position * 6 + x) * DOT_PX;
        for (let row = top + y * DOT_PX; row < top + (y + 1) * DOT_PX; row++) {
          sheet.fill(255, (row * width + column) * 3, (row * width + column + DOT_PX) * 3);
        }
      }
    }
  }
}
