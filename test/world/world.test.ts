import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDeck } from '../../media/index.ts';
import { createThumbnail, DUPLICATE_BELOW, difference } from '../../media/sampling/difference.ts';
import { makeDeck } from './deck.ts';
import { draw } from './draw.ts';
import { facts, factsInText, specsInText } from './facts.ts';
import { drawFrameIndex, type Pixels, readFrameIndex } from './frame-index.ts';
import { seededRandom } from './random.ts';
import { caption, type Spec, sampleSequence, sampleSpec } from './spec.ts';
import { makeVideo, type VideoTruth } from './video.ts';
import { toYuv420 } from './yuv.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'frameloom-world-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('text of the drawn world', () => {
  it('describes a scene and a slide as in the training of the model', () => {
    const scene: Spec = {
      kind: 'scene',
      background: 'orange',
      objects: [
        { shape: 'star', colour: 'red', position: 'left' },
        { shape: 'circle', colour: 'blue', position: 'center' },
      ],
    };
    expect(caption(scene)).toBe(
      'A red star on the left and a blue circle in the center, on an orange background.',
    );
    const slide: Spec = { kind: 'slide', title: 'Sales Report', chart: 'bar', bullets: 1 };
    expect(caption(slide)).toBe('A slide titled "Sales Report" with a bar chart and 1 bullet point.');
    expect(caption({ ...slide, chart: 'none', bullets: 0 })).toBe('A slide titled "Sales Report".');
    expect(caption({ ...slide, chart: 'none', bullets: 3 })).toBe(
      'A slide titled "Sales Report" with 3 bullet points.',
    );
  });

  it('parses every caption back to its facts', () => {
    const random = seededRandom(1);
    for (let round = 0; round < 500; round++) {
      const spec = sampleSpec(random);
      expect(specsInText(caption(spec))).toEqual([spec]);
    }
  });

  it('finds each image of a connected text, in order', () => {
    const specs = sampleSequence(seededRandom(2), 40, 0.5);
    const text = specs.map(
      (spec) => `Then, ${caption(spec).charAt(0).toLowerCase()}${caption(spec).slice(1)}`,
    );
    expect(specsInText(text.join(' '))).toEqual(specs);
    expect(factsInText(text.join(' '))).toEqual(new Set(specs.flatMap(facts)));
  });

  it('returns no facts for unrelated text', () => {
    expect(specsInText('A pink circle on the left, on a red background. A slide with a bar chart.')).toEqual(
      [],
    );
  });

  it('never puts two equal images next to each other', () => {
    const captions = sampleSequence(seededRandom(3), 2000, 1).map(caption);
    expect(captions.filter((text, index) => text === captions[index - 1])).toEqual([]);
  });
});

describe('drawings', () => {
  it('are the same for the same seed', () => {
    const pixels = (seed: number): Buffer => {
      const random = seededRandom(seed);
      return draw(sampleSpec(random, 'slide'), random, { width: 320, height: 180 }).canvas.data();
    };
    expect(pixels(5).equals(pixels(5))).toBe(true);
    expect(pixels(5).equals(pixels(6))).toBe(false);
  });

  it('show the text of their truth', () => {
    const random = seededRandom(4);
    const slide: Spec = { kind: 'slide', title: 'Risk Plan', chart: 'pie', bullets: 4 };
    const { text } = draw(slide, random, { width: 640, height: 360 });
    expect(text[0]).toBe('Risk Plan');
    expect([1, 5]).toContain(text.length);
  });
});

describe('frame numbers', () => {
  it('cannot be read where none was drawn', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 20; round++) {
      const { canvas } = draw(sampleSpec(random), random, { width: 640, height: 360 });
      const picture: Pixels = { data: canvas.data(), width: 640, height: 360, channels: 4 };
      expect(readFrameIndex(picture)).toBeUndefined();
    }
  });

  it('are rejected above 20 bits', () => {
    const picture = toYuv420(new Uint8Array(320 * 180 * 4), 320, 180);
    expect(() => drawFrameIndex(picture, 2 ** 20)).toThrow(RangeError);
    expect(() => drawFrameIndex(picture, -1)).toThrow(RangeError);
  });
});

describe('videos', () => {
  let path = '';
  let truth: VideoTruth;
  beforeAll(async () => {
    path = join(folder, 'video.mp4');
    truth = await makeVideo(path, { seed: 11, seconds: 8, shots: 3 });
  }, 120_000);

  it('are covered by their truth without gaps, and neighbouring shots differ', () => {
    let end = 0;
    let last = '';
    for (const shot of truth.shots) {
      expect(shot.start_frame).toBe(end);
      expect(shot.end_frame - shot.start_frame).toBeGreaterThanOrEqual(50);
      expect(shot.start_time).toBe(shot.start_frame / 25);
      expect(shot.end_time).toBe(shot.end_frame / 25);
      expect(shot.caption).not.toBe(last);
      end = shot.end_frame;
      last = shot.caption;
    }
    expect(truth.shots).toHaveLength(3);
    expect(end).toBe(200);
    expect(truth).toMatchObject({ frames: 200, duration: 8, fps: 25, width: 1280, height: 720 });
  });

  it('are H.264 as from cameras: yuv420p, B-frames, index at the front', async () => {
    const [stream = ''] = await probe(path, 'codec_name,pix_fmt,has_b_frames,nb_frames,start_time');
    expect(stream).toBe('h264,2,yuv420p,0.000000,200');
    const head = (await readFile(path)).subarray(0, 64).toString('latin1');
    expect(head).toContain('moov');
  });

  it('contain the number of each frame, readable after JPEG and scaling', async () => {
    const shown = 25;
    const frames = await decode(path, shown);
    expect(frames).toHaveLength(200 / shown);
    for (const [count, frame] of frames.entries()) {
      for (const width of [1280, 960, 640]) {
        const raw = { raw: { width: 1280, height: 720, channels: 3 as const } };
        const jpeg = await sharp(frame, raw).resize({ width }).jpeg({ quality: 92 }).toBuffer();
        const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
        const picture: Pixels = { data, width: info.width, height: info.height, channels: 3 };
        expect(readFrameIndex(picture)).toBe(count * shown);
      }
    }
  }, 120_000);

  it('look static for a static image, whatever number it contains', async () => {
    const step = 10;
    const frames = await decode(path, step);
    const still = truth.shots.filter(({ moving }) => !moving);
    expect(still.length).toBeGreaterThan(0);
    for (const { start_frame, end_frame } of still) {
      const shown = frames.slice(Math.ceil(start_frame / step), Math.ceil(end_frame / step));
      const [first, ...rest] = shown.map((data) => createThumbnail({ data, width: 1280, height: 720 }));
      for (const later of rest) {
        expect(first && difference(first, later)).toBeLessThan(DUPLICATE_BELOW);
      }
    }
  });

  it('have the same truth and the same bytes for the same seed', async () => {
    const options = { seed: 12, seconds: 5, shots: 2, width: 320, height: 180 };
    const [one, two] = [join(folder, 'one.mp4'), join(folder, 'two.mp4')];
    expect(await makeVideo(one, options)).toEqual(await makeVideo(two, options));
    expect((await readFile(one)).equals(await readFile(two))).toBe(true);
  });

  it('are rejected where the shots do not fit and where ffmpeg fails', async () => {
    await expect(makeVideo(join(folder, 'x.mp4'), { seed: 1, seconds: 3, shots: 2 })).rejects.toThrow(
      RangeError,
    );
    const nowhere = join(folder, 'no', 'such', 'folder.mp4');
    await expect(
      makeVideo(nowhere, { seed: 1, seconds: 3, shots: 1, width: 64, height: 36 }),
    ).rejects.toThrow('ffmpeg failed');
  });
});

describe('decks', () => {
  it('contain the pages of their truth, the same for the same seed', async () => {
    const [one, two] = [join(folder, 'one.pdf'), join(folder, 'two.pdf')];
    const truth = await makeDeck(one, { seed: 3, pages: 5 });
    expect(truth.pages.map(({ page }) => page)).toEqual([1, 2, 3, 4, 5]);
    for (const { spec, text } of truth.pages) {
      expect(text[0]).toBe(spec.kind === 'slide' ? spec.title : undefined);
    }
    using deck = await openDeck(one, { maxPixels: 1e8, maxPages: 10 });
    expect(deck.pages).toBe(5);
    for (const { page, text } of truth.pages) {
      const { title, text: layer } = await deck.page(page, { maxSide: 64 });
      expect(title).toBe(text[0]);
      expect(layer.split('\n').filter((line) => line !== '')).toEqual(text);
    }
    expect(await makeDeck(two, { seed: 3, pages: 5 })).toEqual(truth);
    expect((await readFile(one)).equals(await readFile(two))).toBe(true);
  });
});

/** Values that ffprobe prints for the video stream, one line for each stream. */
async function probe(path: string, entries: string): Promise<string[]> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v',
    '-show_entries',
    `stream=${entries}`,
    '-of',
    'csv=p=0',
  ];
  return (await output('ffprobe', [...args, path])).toString().trim().split('\n');
}

/** Every `step`th frame of a video of 1280x720 as red, green and blue bytes. */
async function decode(path: string, step: number): Promise<Buffer[]> {
  const filter = `select=not(mod(n\\,${step}))`;
  const args = [
    '-v',
    'error',
    '-i',
    path,
    '-vf',
    filter,
    '-vsync',
    '0',
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-',
  ];
  const bytes = await output('ffmpeg', args);
  const size = 1280 * 720 * 3;
  return Array.from({ length: bytes.length / size }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
}

async function output(command: string, args: readonly string[]): Promise<Buffer> {
  return buffer(spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout);
}
