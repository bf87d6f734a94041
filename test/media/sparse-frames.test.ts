/** Frames that stay on display, in generated videos: recorders, meetings, slideshows, dropped duplicates. */
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  probeVideo,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';
import type { Sampler } from '../../schema/stages.ts';
import { drawNumber, LIMITS, makeClip, readNumber, temporaryFolder } from './clips.ts';
import { encodeDrawn } from './encode-drawn.ts';
import { scoreShots } from './shot-scores.ts';
import { SPARSE_KINDS, type SparseKind } from './sparse-clips.ts';

vi.setConfig({ testTimeout: 120_000 });

const folder = temporaryFolder();
const SCREEN = { width: 480, height: 270 };
const X264 = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-pix_fmt',
  'yuv420p',
  '-bf',
  '3',
  '-b_strategy',
  '0',
];
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

describe('adaptive sampling', () => {
  it.each<[SparseKind, number]>([
    ['recorder on change', 40],
    ['one frame a minute', 40],
    ['meeting at 1 fps', 30],
    ['slideshow', 40],
    ['slideshow with fades', 40],
    ['dropped duplicates', 24],
  ])('finds every change, and no other, in: %s', async (kind, seconds) => {
    const clip = SPARSE_KINDS[kind](SCREEN, seconds, 5);
    const path = join(folder, `${kind.replaceAll(' ', '-')}.mp4`);
    await encodeDrawn(clip, SCREEN, path);
    const scores = scoreShots(clip, await sample(path, 'adaptive'));
    expect(scores.drawn).toBeGreaterThanOrEqual(2);
    expect(scores).toMatchObject({ found: scores.drawn, missed: [], wrong: [], late: [] });
  });
});

/** When each page appears, in seconds: the pages between stand for up to two and a half minutes. */
const PAGES = [0, 1.2, 9, 9.6, 40, 190, 193, 340] as const;
const END = 350;

describe.each([
  ['MP4 with B-frames', 'pages.mp4', X264],
  ['Matroska with B-frames', 'pages.mkv', X264],
  ['a transport stream', 'pages.ts', X264],
  ['WebM', 'pages.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '1M']],
  ['AVI, which has no presentation times', 'pages.avi', ['-c:v', 'mpeg4', '-q:v', '3']],
])('pages of one frame each in %s', (_, name, args) => {
  const path = join(folder, name);
  beforeAll(async () => {
    await recording(path, [...PAGES, END - 0.04], args, [1, 2, 3, 4, 5, 6, 7, 8, 8]);
  });

  it.each(['adaptive', 'fps'] as const)('are all kept at their own times by %s', async (mode) => {
    expect(shown(await sample(path, mode))).toEqual(expected(0));
  });

  it('are the same however the source is divided into spans, also where none appears in one', async () => {
    const whole = await sample(path, 'adaptive');
    const parts: SampledFrame[] = [];
    for (let start = 0; start < END; start += 70) {
      parts.push(...(await sample(path, 'adaptive', [start, Math.min(END, start + 70)], 0)));
    }
    expect(parts.map(withoutImage)).toEqual(whole.map(withoutImage));
  });

  it('count from the beginning of a range in which they are displayed', async () => {
    for (const mode of ['adaptive', 'fps'] as const) {
      const kept = shown(await sample(path, mode, [60, END]));
      expect(kept).toEqual([{ number: 5, time: 60 }, ...expected(5)]);
    }
  });
});

it('keeps the last frame of a burst of B-frames, which stays on display', async () => {
  // Twelve frames a second in bursts of one second; the last frame of each stays for two.
  const bursts = [0, 3, 6, 9];
  const times = bursts.flatMap((begin) => Array.from({ length: 12 }, (_, index) => begin + index / 12));
  const path = join(folder, 'bursts.mp4');
  await recording(path, times, [...X264, '-x264-params', 'b-pyramid=none']);
  const kept = shown(await sample(path, 'adaptive')).map(({ number }) => number);
  for (const [index] of bursts.entries()) expect(kept).toContain(12 * (index + 1));
});

/** A video whose frame `index`, from 0, appears at `times[index]`, in seconds, and shows `numbers[index]`. */
function recording(
  path: string,
  times: readonly number[],
  args: readonly string[],
  numbers: readonly number[] = times.map((_, index) => index + 1),
): Promise<string> {
  const pts = times.map((time, index) => `eq(N,${index})*${Math.round(time * 1000)}`).join('+');
  const clock = path.endsWith('.avi') ? '1:25' : '1:1000';
  const timing = ['-vf', `settb=1/1000,setpts='${pts}'`, '-fps_mode', 'passthrough', '-enc_time_base', clock];
  const draw = (index: number, width: number, height: number): Buffer =>
    drawNumber(numbers[index] ?? 0, width, height);
  return makeClip(path, { frames: times.length, rate: '1000', draw, args: [...timing, ...args] });
}

/** The decisions of a span, by default the whole video, in windows of `seconds`. */
async function sample(
  path: string,
  mode: 'adaptive' | 'scene' | 'fps',
  span?: readonly [start: number, end: number],
  origin = span?.[0] ?? 0,
): Promise<SampledFrame[]> {
  const video = await probeVideo(tools, path, LIMITS);
  const [start, end] = span ?? [0, video.duration];
  const windows = { origin, end: video.duration, seconds: 20 };
  const sampler: Sampler =
    mode === 'fps' ? { mode: 'grid', origin, interval: 1, windows } : { mode, windows };
  const frames: SampledFrame[] = [];
  for await (const frame of sampleVideo(tools, { path, video, span: { start, end }, sampler, ...LIMITS })) {
    frames.push(frame);
  }
  return frames;
}

interface Shown {
  readonly number: number;
  readonly time: number;
}

function shown(frames: readonly SampledFrame[]): readonly Shown[] {
  return frames.flatMap(({ image, time }) =>
    image ? [{ number: readNumber(image), time: Math.round(time * 100) / 100 }] : [],
  );
}

function expected(from: number): readonly Shown[] {
  return PAGES.map((time, index) => ({ number: index + 1, time })).slice(from);
}

function withoutImage({ image: _image, ...decision }: SampledFrame): Omit<SampledFrame, 'image'> {
  return decision;
}
