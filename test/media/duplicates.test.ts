/** What counts as the same picture, on video as it comes out of an encoder. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  probeVideo,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';
import { H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const WIDTH = 640;
const HEIGHT = 360;
const FRAMES = 60;
/** Frame from which on the drawings below show their change: 3 s at 10 frames a second. */
const CHANGE = 30;
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

describe('a frame is a duplicate', () => {
  it('when nothing changes, over any number of spans', async () => {
    const frames = await sample('still', (canvas) => slide(canvas, '3'), [
      [0, 2],
      [2, 4],
      [4, 1e6],
    ]);
    expect(frames.map(({ time, kept }) => [time, kept])).toEqual([
      [0, true],
      [1, false],
      [2, false],
      [3, false],
      [4, false],
      [5, false],
    ]);
    expect(frames.map(({ reason }) => reason)).toEqual(['first', ...Array(5).fill('duplicate')]);
    expect(frames.filter(({ image }) => image).length).toBe(1);
  });

  it('when only noise differs', async () => {
    const random = generator(7);
    const frames = await sample('noise', (canvas) => {
      slide(canvas, '3');
      for (let at = 0; at < canvas.length; at += 3) {
        const grain = Math.round((random() + random() - 1) * 16);
        for (let c = at; c < at + 3; c++) canvas[c] = Math.max(0, Math.min(255, (canvas[c] ?? 0) + grain));
      }
    });
    expect(keptTimes(frames)).toEqual([0]);
  });
});

describe('a frame is kept', () => {
  it('when one character changes', async () => {
    const frames = await sample('digit', (canvas, k) => slide(canvas, k < CHANGE ? '3' : '8'));
    expect(keptTimes(frames)).toEqual([0, 3]);
    expect(frames[3]?.reason).toBe('changed');
  });

  it('when something small moves', async () => {
    const frames = await sample('dot', (canvas, k) => {
      slide(canvas, '3');
      box(canvas, k < CHANGE ? 500 : 516, 300, 10, 10, [90, 90, 90]);
    });
    expect(keptTimes(frames)).toEqual([0, 3]);
  });

  it('when something small changes colour but not brightness', async () => {
    const frames = await sample('hue', (canvas, k) => {
      slide(canvas, '3');
      box(canvas, 500, 300, 16, 16, k < CHANGE ? [200, 80, 80] : [60, 148, 80]);
    });
    expect(keptTimes(frames)).toEqual([0, 3]);
  });

  it('each time a slow fade has gone far enough', async () => {
    const frames = await sample('fade', (canvas, k) =>
      box(canvas, 0, 0, WIDTH, HEIGHT, [40 + k * 3, 90, 90]),
    );
    expect(keptTimes(frames)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('at the start of a span with `first: keep`', async () => {
    const path = await clip('again', (canvas) => slide(canvas, '3'));
    const frames = await collect(path, { start: 2, end: 5, first: 'keep' });
    expect(frames.map(({ time, reason }) => [time, reason])).toEqual([
      [2, 'chunk_start'],
      [3, 'duplicate'],
      [4, 'duplicate'],
    ]);
  });
});

type Draw = (canvas: Buffer, frame: number) => void;

async function sample(
  name: string,
  draw: Draw,
  spans: readonly (readonly [start: number, end: number])[] = [[0, 1e6]],
): Promise<SampledFrame[]> {
  const path = await clip(name, draw);
  const frames: SampledFrame[] = [];
  for (const [index, [start, end]] of spans.entries()) {
    frames.push(...(await collect(path, { start, end, first: index === 0 ? 'keep' : 'compare' })));
  }
  return frames;
}

async function clip(name: string, draw: Draw): Promise<string> {
  return makeClip(join(folder, `${name}.mp4`), {
    frames: FRAMES,
    rate: '10',
    width: WIDTH,
    height: HEIGHT,
    draw: (index) => {
      const canvas = Buffer.alloc(WIDTH * HEIGHT * 3, 255);
      draw(canvas, index);
      return canvas;
    },
    args: [...H264, '-crf', '28', '-g', '10'],
  });
}

async function collect(
  path: string,
  span: { readonly start: number; readonly end: number; readonly first: 'keep' | 'compare' },
): Promise<SampledFrame[]> {
  const video = await probeVideo(tools, path, LIMITS);
  const frames: SampledFrame[] = [];
  for await (const frame of sampleVideo(tools, {
    path,
    video,
    span,
    sampler: { origin: 0, interval: 1 },
    ...LIMITS,
  })) {
    frames.push(frame);
  }
  return frames;
}

function keptTimes(frames: readonly SampledFrame[]): number[] {
  return frames.filter(({ kept }) => kept).map(({ time }) => time);
}

/** Digits as 5×7 dots. */
const GLYPHS: Readonly<Record<string, readonly string[]>> = {
  '3': ['11111', '00010', '00100', '00010', '00001', '10001', '01110'],
  '8': ['01110', '10001', '10001', '01110', '10001', '10001', '01110'],
};

/** A page of rows of digits, 14 pixels high, of which one is `digit`. */
function slide(canvas: Buffer, digit: string): void {
  for (let row = 0; row < 8; row++) {
    for (let column = 0; column < 30; column++) {
      const glyph = GLYPHS[row === 4 && column === 11 ? digit : '3'] ?? [];
      for (const [y, dots] of glyph.entries()) {
        for (const [x, dot] of [...dots].entries()) {
          if (dot === '1') box(canvas, 40 + column * 14 + x * 2, 40 + row * 26 + y * 2, 2, 2, [30, 30, 50]);
        }
      }
    }
  }
}

function box(
  canvas: Buffer,
  left: number,
  top: number,
  width: number,
  height: number,
  colour: readonly [red: number, green: number, blue: number],
): void {
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) canvas.set(colour, (y * WIDTH + x) * 3);
  }
}

/** Park and Miller's generator: the same noise in every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
