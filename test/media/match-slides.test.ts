/**
 * Frames of a recorded lecture find their slides: drawn slides of one template, filmed in the ways recordings
 * show them.
 */
import { PDFDocument, rgb, StandardFonts } from 'pdf-lib';
import sharp, { type OverlayOptions } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  alignSlides,
  createSlideMatcher,
  integralLuma,
  MATCH_MAX_SIDE_PX,
  openDeck,
  type RgbImage,
  readImage,
} from '../../media/index.ts';
import { seededRandom } from '../world/random.ts';
import { LIMITS } from './clips.ts';

const SLIDES = 12;
const WORDS =
  'alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa'.split(
    ' ',
  );
const FRAME = { width: 1280, height: 720 };

let slides: readonly RgbImage[];
beforeAll(async () => {
  slides = await drawn([640, 360]);
});

/** Slides of one template: the same bar, number and foot, a title and lines of their own. */
async function drawn(size: [number, number]): Promise<readonly RgbImage[]> {
  const random = seededRandom(5);
  const word = (): string => WORDS[Math.floor(random() * WORDS.length)] ?? '';
  const document = await PDFDocument.create();
  const font = await document.embedFont(StandardFonts.Helvetica);
  for (let index = 0; index < SLIDES; index++) {
    const page = document.addPage(size);
    const [, height] = size;
    page.drawRectangle({ x: 0, y: height - 60, width: size[0], height: 60, color: rgb(0.1, 0.2, 0.5) });
    page.drawText(`${word()} ${word()}`, { x: 24, y: height - 42, size: 28, font, color: rgb(1, 1, 1) });
    for (let line = 0; line < 4; line++) {
      const text = Array.from({ length: 3 + Math.floor(random() * 3) }, word).join(' ');
      page.drawText(text, { x: 40, y: height - 110 - line * 44, size: 22, font });
    }
    page.drawText('The institute of drawn truth', { x: 24, y: 14, size: 11, font });
  }
  using deck = await openDeck(await document.save(), LIMITS);
  const pictures: RgbImage[] = [];
  for (let page = 1; page <= SLIDES; page++) pictures.push((await deck.page(page)).image);
  return pictures;
}

const raw = ({ data, width, height }: RgbImage) => sharp(data, { raw: { width, height, channels: 3 } });

/** A frame as a recording has it: the layers on a ground, coded badly, and read back small. */
async function film(ground: string, layers: readonly OverlayOptions[], dim = 1): Promise<RgbImage> {
  const frame = await sharp({ create: { ...FRAME, channels: 3, background: ground } })
    .composite([...layers])
    .png()
    .toBuffer();
  const coded = await sharp(frame).linear(dim, 12).blur(1.1).jpeg({ quality: 40 }).toBuffer();
  return readImage(coded, LIMITS, { maxSide: MATCH_MAX_SIDE_PX });
}

async function layer(
  slide: number,
  left: number,
  top: number,
  width: number,
  height: number,
): Promise<OverlayOptions> {
  const picture = slides[slide];
  if (!picture) throw new Error(`no slide ${slide}`);
  return { input: await raw(picture).resize(width, height, { fit: 'fill' }).png().toBuffer(), left, top };
}

const whole = async (slide: number): Promise<RgbImage> =>
  film('#000000', [await layer(slide, 0, 0, 1280, 720)], 0.85);
const beside = async (slide: number): Promise<RgbImage> =>
  film('#303840', [await layer(slide, 40, 60, 820, 461), await person(900, 200, 300)]);

/** Something like a person: shapes of skin and cloth. */
async function person(left: number, top: number, size: number): Promise<OverlayOptions> {
  const data = Buffer.alloc(size * size * 3, 70);
  for (let y = 0, at = 0; y < size; y++) {
    for (let x = 0; x < size; x++, at += 3) {
      const head = Math.hypot(x - size / 2, y - size / 3) < size / 5;
      const body = Math.hypot((x - size / 2) / 1.4, y - size * 0.95) < size / 3;
      if (head) data.set([205, 160, 130], at);
      else if (body) data.set([60 + (x % 30), 70, 120], at);
    }
  }
  return { input: await raw({ data, width: size, height: size }).png().toBuffer(), left, top };
}
const speaker = async (left: number): Promise<RgbImage> => film('#8a7f70', [await person(left, 120, 560)]);

/** The course that is found through these frames. */
async function courseOf(frames: readonly Promise<RgbImage>[]): Promise<readonly (number | undefined)[]> {
  const pictures = await Promise.all(frames);
  const matcher = await createSlideMatcher(slides.map(integralLuma), pictures);
  return alignSlides(pictures.map((picture) => matcher.score(picture)));
}

describe('matching slides', () => {
  it('finds each slide that fills the frame, and none where the speaker fills it', async () => {
    const course = await courseOf([
      speaker(200),
      whole(0),
      whole(1),
      speaker(420),
      whole(2),
      whole(3),
      whole(4),
      speaker(300),
      whole(2),
      whole(5),
    ]);
    expect(course).toEqual([undefined, 0, 1, undefined, 2, 3, 4, undefined, 2, 5]);
  });

  it('finds slides next to the speaker, alternating with slides that fill the frame', async () => {
    const course = await courseOf([
      speaker(200),
      beside(0),
      beside(1),
      whole(2),
      beside(3),
      speaker(500),
      beside(7),
      whole(8),
      beside(11),
    ]);
    expect(course).toEqual([undefined, 0, 1, 2, 3, undefined, 7, 8, 11]);
  });

  it('finds slides of 4 by 3 between black bars', async () => {
    const before = slides;
    slides = await drawn([480, 360]);
    try {
      const barred = async (slide: number): Promise<RgbImage> =>
        film('#000000', [await layer(slide, 160, 0, 960, 720)]);
      expect(await courseOf([barred(3), barred(4), speaker(100), barred(9)])).toEqual([3, 4, undefined, 9]);
    } finally {
      slides = before;
    }
  });

  it('finds no slide in a video that shows none', async () => {
    const course = await courseOf([speaker(100), speaker(200), speaker(300), speaker(400)]);
    expect(course).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('alignSlides', () => {
  const scores = (...rows: readonly (readonly number[])[]): readonly Float32Array[] =>
    rows.map((row) => Float32Array.from(row));

  it('follows the order of the deck where two slides are equally similar', () => {
    expect(alignSlides(scores([0.9, 0, 0], [0, 0.8, 0.8], [0, 0, 0.9]))).toEqual([0, 1, 2]);
    expect(alignSlides(scores([0, 0, 0.9], [0.8, 0.8, 0], [0, 0, 0.9]))[1]).not.toBe(2);
  });

  it('stays on a slide through a frame that is hardly more similar to another', () => {
    expect(alignSlides(scores([0.9, 0.1], [0.8, 0.81], [0.9, 0.1]))).toEqual([0, 0, 0]);
  });

  it('goes back where the similarity is clear', () => {
    expect(alignSlides(scores([0.9, 0], [0, 0.9], [0.9, 0]))).toEqual([0, 1, 0]);
  });

  it('returns nothing for no frames', () => {
    expect(alignSlides([])).toEqual([]);
  });
});
