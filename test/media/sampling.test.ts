/** Frames that each sampling mode keeps, on encoded videos that were drawn from a known truth. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  probeVideo,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';
import { lying, setOrientation } from '../corpus/encoding.ts';
import { H264, LIMITS, makeClip, readNumber, temporaryFolder } from './clips.ts';
import { blurred, type Canvas, canvas, copyOf, crop, mix, place, words } from './drawing.ts';
import { type DrawnClip, KINDS, type Kind, RATE } from './drawn-clips.ts';
import { encodeDrawn } from './encode-drawn.ts';
import { scoreShots } from './shot-scores.ts';

vi.setConfig({ testTimeout: 120_000 }); // drawing and encoding, on machines that do other things as well

const folder = temporaryFolder();
const SCREEN = { width: 480, height: 270 };
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

describe('adaptive sampling', () => {
  it.each<[Kind, number, number]>([
    ['slides', 30, 3],
    ['fast cuts', 14, 3],
    ['dissolves', 16, 3],
    ['fades through black', 16, 3],
    ['noisy camera', 14, 3],
    ['moving camera', 14, 3],
  ])('finds every change of shot, and no other, in %s', async (kind, seconds, seed) => {
    const clip = KINDS[kind](SCREEN, seconds, seed);
    const scores = scoreShots(clip, await sample(clip, 'adaptive'));
    expect(scores.drawn).toBeGreaterThanOrEqual(2);
    expect(scores).toMatchObject({ found: scores.drawn, missed: [], wrong: [], late: [] });
  });

  it.each<Kind>(['talking head', 'small moving object', 'scrolling', 'flashes', 'typing'])(
    'finds no change of shot in %s',
    async (kind) => {
      const clip = KINDS[kind](SCREEN, 16, 3);
      const scores = scoreShots(clip, await sample(clip, 'adaptive'));
      expect(scores).toMatchObject({ found: 0, late: [] });
      expect(scores.kept).toBeLessThan(16); // of one a second
    },
  );

  it('keeps every new line within half a second after it settles, next to a speaker as well', async () => {
    for (const kind of ['slides with animations', 'lecture with speaker'] as const) {
      const clip = KINDS[kind](SCREEN, 20, 1);
      expect(scoreShots(clip, await sample(clip, 'adaptive')).late).toEqual([]);
    }
  });

  it('keeps start, middle and end of a morph of three seconds', async () => {
    const [from, to] = [1, 2].map((seed) => place(SCREEN.width, SCREEN.height, seed)) as [Canvas, Canvas];
    const frames = await sample(
      drawn('morph', 9, (time) => mix(from, to, Math.min(1, Math.max(0, (time - 3) / 3)))),
      'adaptive',
    );
    const kept = frames.filter((frame) => frame.kept).map(({ time }) => time);
    expect(kept[0]).toBe(0);
    expect(kept.some((time) => time > 3.6 && time < 5.4)).toBe(true);
    expect(kept.at(-1)).toBeGreaterThanOrEqual(5.6);
    expect(kept.at(-1)).toBeLessThanOrEqual(6.5);
    expect(kept.length).toBeLessThanOrEqual(5);
  });

  it('keeps at most a fifth of one frame a second of a lecture with static slides', async () => {
    const page = (number: number): Canvas => {
      const on = canvas(SCREEN.width, SCREEN.height);
      for (let line = 0; line < 5; line++) words(on, 40, 40 + line * 36, 2, 30, number * 10 + line);
      return on;
    };
    const pages = [1, 2, 3].map(page);
    const frames = await sample(
      drawn('lecture', 45, (time) => pages[Math.floor(time / 15)] as Canvas),
      'adaptive',
    );
    const kept = frames.filter((frame) => frame.kept);
    expect(kept.map(({ reason }) => reason)).toEqual(['first', 'cut', 'cut']);
    expect(kept.map(({ time }) => Math.floor(time / 15))).toEqual([0, 1, 2]);
    expect(kept.every(({ time }) => time % 15 <= 0.5)).toBe(true);
  });

  it('avoids black frames, also at the beginning', async () => {
    const shot = place(SCREEN.width, SCREEN.height, 5);
    const black = canvas(SCREEN.width, SCREEN.height, [0, 0, 0]);
    const frames = await sample(
      drawn('leader', 6, (time) => (time < 0.7 || (time > 3 && time < 3.5) ? black : shot)),
      'adaptive',
    );
    expect(frames[0]).toMatchObject({ time: 0, kept: false, reason: 'black' });
    for (const { image } of frames) if (image) expect(brightness(image)).toBeGreaterThan(30);
    expect(frames.find((frame) => frame.kept)?.time).toBeLessThan(1);
  });

  it('keeps the sharpest neighbour while the camera moves', async () => {
    const wide = place(SCREEN.width * 2, SCREEN.height, 6);
    const smeared = new Set<number>();
    const frames = await sample(
      drawn('smear', 8, (time) => {
        const on = crop(wide, time * 50, 0, SCREEN.width, SCREEN.height);
        const number = Math.round(time * RATE);
        if (Math.floor(number / 5) % 2 === 0) return on; // five frames sharp, five out of focus
        smeared.add(number);
        return blurred(on, 14);
      }),
      'adaptive',
    );
    const moving = frames.filter(({ kept, reason }) => kept && reason === 'moving');
    expect(moving.length).toBeGreaterThanOrEqual(2);
    expect(moving.filter(({ time }) => smeared.has(Math.round(time * RATE)))).toEqual([]);
  });

  it('reports time, hash and reason of every candidate', async () => {
    const frames = await sample(KINDS.slides(SCREEN, 10, 1), 'adaptive');
    expect(frames.length).toBe(50); // five a second
    for (const frame of frames) {
      expect(frame.hash).toMatch(/^[0-9a-f]{16}$/);
      expect(frame.pts).toBe(frame.time);
      expect(frame.kept).toBe(frame.image !== undefined);
      if (!frame.kept) expect(frame.score).toBe(0);
    }
  });
});

describe('a rotated or mirrored video', () => {
  it('gives the same decisions as if it were stored upright', async () => {
    const clip = KINDS['fast cuts'](SCREEN, 4, 3);
    const decided: unknown[] = [];
    for (const turn of [0, 90, 180, 270] as const) {
      for (const mirrored of [false, true]) {
        const path = join(folder, `lying-${turn}-${mirrored}.mp4`);
        const lossless = [
          '-c:v',
          'libx264',
          '-preset',
          'ultrafast',
          '-qp',
          '0',
          '-g',
          '25',
          '-pix_fmt',
          'yuv444p',
        ];
        await encodeDrawn(clip, SCREEN, path, ['-vf', lying({ turn, mirrored }), ...lossless]);
        await setOrientation(path, { turn, mirrored });
        const frames = await collect(path, 'adaptive');
        for (const { image } of frames) if (image) expect(image).toMatchObject(SCREEN);
        decided.push(frames.map(({ time, kept, reason, hash }) => ({ time, kept, reason, hash })));
      }
    }
    expect(decided[0]).toHaveLength(20);
    for (const other of decided) expect(other).toEqual(decided[0]);
  });
});

describe('scene sampling', () => {
  it('keeps one frame of each shot and nothing else', async () => {
    const clip = KINDS['fast cuts'](SCREEN, 14, 3);
    const frames = await sample(clip, 'scene');
    const shotOf = (time: number): number => clip.cuts.filter((cut) => cut <= time + 1e-6).length;
    expect(frames.filter(({ kept }) => kept).map(({ time }) => shotOf(time))).toEqual(
      Array.from({ length: clip.cuts.length + 1 }, (_, index) => index),
    );
  });
});

describe('keyframe sampling', () => {
  it('considers keyframes only', async () => {
    const path = await numbers('keys.mp4', ['-g', '40', '-sc_threshold', '0']);
    const frames = await collect(path, 'keyframe');
    expect(frames.map(({ time }) => time)).toEqual([0, 1.6, 3.2, 4.8, 6.4]);
    expect(frames.map(({ image }) => image && readNumber(image))).toEqual([0, 40, 80, 120, 160]);
  });
});

describe.each(['adaptive', 'scene', 'keyframe'] as const)('%s sampling', (mode) => {
  it('gives each image the time of its own frame', async () => {
    const path = await numbers('numbers.mp4', ['-bf', '3']);
    const kept = (await collect(path, mode)).filter((frame) => frame.image);
    expect(kept.length).toBeGreaterThan(1);
    for (const { image, time } of kept) {
      expect(time).toBeCloseTo((image ? readNumber(image) : -1) / 25, 5);
    }
  });

  it('makes the same decisions however the source is divided into spans', async () => {
    const path = await shotsOf(KINDS['fast cuts'](SCREEN, 18, 3));
    const whole = await collect(path, mode, [[0, 18]]);
    for (const cuts of [
      [6, 12],
      [2.5, 6, 7.7, 13],
    ]) {
      const edges = [0, ...cuts, 18];
      const spans = cuts.concat(18).map((end, index) => [edges[index] ?? 0, end] as const);
      const parts = await collect(path, mode, spans);
      expect(parts.map(withoutImage)).toEqual(whole.map(withoutImage));
      for (const [index, { image }] of parts.entries()) {
        expect(image?.data.equals(whole[index]?.image?.data ?? Buffer.alloc(0)) ?? true).toBe(true);
      }
    }
  });
});

function withoutImage({ image: _image, ...decision }: SampledFrame): Omit<SampledFrame, 'image'> {
  return decision;
}

function drawn(name: string, seconds: number, draw: DrawnClip['draw']): DrawnClip {
  return { name, seconds, cuts: [], dissolves: [], news: [], draw: (time) => copyOf(draw(time)) };
}

async function shotsOf(clip: DrawnClip): Promise<string> {
  const path = join(folder, `${clip.name.replaceAll(' ', '-')}-${clip.seconds}.mp4`);
  await encodeDrawn(clip, SCREEN, path);
  return path;
}

async function sample(clip: DrawnClip, mode: 'adaptive' | 'scene'): Promise<SampledFrame[]> {
  return collect(await shotsOf(clip), mode);
}

/** Frames that show their own number, another one every frame, with a mark that moves. */
function numbers(name: string, args: readonly string[]): Promise<string> {
  return makeClip(join(folder, name), { frames: 180, args: [...H264, ...args] });
}

/** Windows of six seconds: short enough that a short video has several. */
async function collect(
  path: string,
  mode: 'adaptive' | 'scene' | 'keyframe',
  spans?: readonly (readonly [start: number, end: number])[],
): Promise<SampledFrame[]> {
  const video = await probeVideo(tools, path, LIMITS);
  const windows = { origin: 0, end: video.duration, seconds: spans ? 6 : 120 };
  const frames: SampledFrame[] = [];
  for (const [start, end] of spans ?? [[0, video.duration] as const]) {
    for await (const frame of sampleVideo(tools, {
      path,
      video,
      span: { start, end },
      sampler: { mode, windows },
      ...LIMITS,
    }))
      frames.push(frame);
  }
  return frames;
}

function brightness({ data }: { readonly data: Buffer }): number {
  let sum = 0;
  for (const value of data) sum += value;
  return sum / data.length;
}
