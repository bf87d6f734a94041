/** Many pictures on one sheet, each with its time, to see at a glance what was picked. */
import { sharp } from '../../core/sharp.ts';

/** Pixels of a picture on the sheet, of the room for its time, and of the gap between pictures. */
const CELL = { width: 256, height: 144, label: 22, gap: 6 } as const;
const COLUMNS = 6;
const BACKGROUND = { r: 24, g: 24, b: 28 };

/** 5×7 dots of what stands in a time. Drawn here, because fonts are not on every machine. */
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
const DOT = 2;

export interface ContactSheetImage {
  /** The picture as JPEG: a file, or its bytes. */
  readonly image: string | Uint8Array;
  /** What stands under it; digits, points and colons are drawn. */
  readonly label: string;
}

/** The sheet as JPEG, six pictures to a row. Pictures are read one by one. */
export async function renderContactSheet(pictures: readonly ContactSheetImage[]): Promise<Buffer> {
  const rows = Math.ceil(pictures.length / COLUMNS);
  const place = (index: number): { left: number; top: number } => ({
    left: CELL.gap + (index % COLUMNS) * (CELL.width + CELL.gap),
    top: CELL.gap + Math.floor(index / COLUMNS) * (CELL.height + CELL.label),
  });
  const width = CELL.gap + COLUMNS * (CELL.width + CELL.gap);
  const height = CELL.gap + rows * (CELL.height + CELL.label);
  const sheet = Buffer.alloc(width * height * 3);
  for (let at = 0; at < sheet.length; at += 3) {
    sheet[at] = BACKGROUND.r;
    sheet[at + 1] = BACKGROUND.g;
    sheet[at + 2] = BACKGROUND.b;
  }
  for (const [index, { image, label }] of pictures.entries()) {
    const { left, top } = place(index);
    const { data, info } = await sharp(image)
      .resize(CELL.width, CELL.height, { fit: 'inside' })
      .toColourspace('srgb')
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const inset = Math.floor((CELL.width - info.width) / 2);
    for (let y = 0; y < info.height; y++) {
      const at = ((top + y) * width + left + inset) * 3;
      data.copy(sheet, at, y * info.width * 3, (y + 1) * info.width * 3);
    }
    write(sheet, width, left, top + CELL.height + 4, label);
  }
  return sharp(sheet, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

function write(sheet: Buffer, width: number, left: number, top: number, text: string): void {
  for (const [position, character] of [...text].entries()) {
    for (const [y, dots] of (GLYPHS[character] ?? '').split(' ').entries()) {
      for (const [x, dot] of [...dots].entries()) {
        if (dot !== '1') continue;
        const column = left + (position * 6 + x) * DOT;
        for (let row = top + y * DOT; row < top + (y + 1) * DOT; row++) {
          sheet.fill(255, (row * width + column) * 3, (row * width + column + DOT) * 3);
        }
      }
    }
  }
}
