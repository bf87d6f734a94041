/** The time of every picture is the container's, and belongs to the picture it comes with. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  findMediaTools,
  type MediaTools,
  type ProbedVideo,
  probeVideo,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';
import {
  type ClipOptions,
  drawNumber,
  ffmpeg,
  H264,
  LIMITS,
  makeClip,
  readNumber,
  setDisplayMatrix,
  temporaryFolder,
} from './clips.ts';

const folder = temporaryFolder();
const INTERVAL = 0.5;
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

interface Case {
  readonly name: string;
  readonly file: string;
  readonly clip: ClipOptions;
  /** Time of frame `k`, from the first frame. */
  readonly truth: (k: number) => number;
  /** Largest error that the container's own clock makes, in seconds. */
  readonly tolerance?: number;
  readonly size?: readonly [width: number, height: number];
  readonly startOffset?: number;
  readonly after?: (path: string) => Promise<void>;
}

const constant = (rate: number) => (k: number) => k / rate;
/** 25 frames a second, then 7, then a pause of two seconds. */
const variable = (k: number): number => (k < 40 ? k / 25 : k < 60 ? 1.6 + (k - 40) / 7 : 6.5 + (k - 60) / 25);
const VARIABLE = `settb=1/90000,setpts='if(lt(N,40),N/25,if(lt(N,60),1.6+(N-40)/7,6.5+(N-60)/25))/TB'`;
const PASS = ['-fps_mode', 'passthrough', '-enc_time_base', '1:90000'];

const cases: readonly Case[] = [
  {
    name: 'constant rate, mp4',
    file: 'cfr.mp4',
    clip: { frames: 100, args: [...H264] },
    truth: constant(25),
  },
  {
    name: '29.97 frames a second, many B-frames',
    file: 'ntsc.mp4',
    clip: { frames: 100, rate: '30000/1001', args: [...H264, '-bf', '5'] },
    truth: constant(30_000 / 1001),
  },
  {
    name: 'variable rate, mp4',
    file: 'vfr.mp4',
    clip: { frames: 90, args: ['-vf', VARIABLE, ...PASS, ...H264, '-bf', '2'] },
    truth: variable,
  },
  {
    name: 'variable rate, Matroska',
    file: 'vfr.mkv',
    clip: { frames: 90, args: ['-vf', VARIABLE, ...PASS, ...H264, '-bf', '2'] },
    truth: variable,
    tolerance: 0.001,
  },
  {
    name: 'non-zero start',
    file: 'late.mkv',
    clip: { frames: 100, args: [...H264, '-output_ts_offset', '12.5'] },
    truth: constant(25),
    tolerance: 0.001,
    startOffset: 12.5,
  },
  {
    name: 'MPEG-TS, no index to seek by',
    file: 'plain.ts',
    clip: {
      frames: 150,
      args: [...H264, '-bf', '2', '-output_ts_offset', '100', '-muxdelay', '0', '-muxpreload', '0'],
    },
    truth: constant(25),
    startOffset: 100,
  },
  {
    name: 'MPEG-TS, the 33-bit clock wraps in the middle',
    file: 'wrap.ts',
    clip: {
      frames: 150,
      args: [...H264, '-output_ts_offset', '95440.7', '-muxdelay', '0', '-muxpreload', '0'],
    },
    truth: constant(25),
  },
  {
    name: 'WebM, VP9',
    file: 'vp9.webm',
    clip: {
      frames: 75,
      args: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '500k'],
    },
    truth: constant(25),
    tolerance: 0.001,
  },
  {
    name: 'WebM written live: no duration, no index',
    file: 'live.webm',
    clip: {
      frames: 75,
      args: [
        '-c:v',
        'libvpx',
        '-deadline',
        'realtime',
        '-cpu-used',
        '8',
        '-b:v',
        '500k',
        '-f',
        'webm',
        '-live',
        '1',
      ],
    },
    truth: constant(25),
    tolerance: 0.001,
  },
  {
    name: 'AVI',
    file: 'xvid.avi',
    clip: { frames: 75, args: ['-c:v', 'mpeg4', '-q:v', '3'] },
    truth: constant(25),
  },
  {
    name: 'fragmented mp4',
    file: 'fragments.mp4',
    clip: { frames: 100, args: [...H264, '-movflags', 'frag_keyframe+empty_moov'] },
    truth: constant(25),
  },
  {
    name: 'odd size',
    file: 'odd.mkv',
    clip: { frames: 60, width: 161, height: 97, args: ['-c:v', 'ffv1'] },
    truth: constant(25),
    tolerance: 0.001,
    size: [161, 97],
  },
  {
    name: 'pixels that are not square',
    file: 'sar.mp4',
    clip: { frames: 60, args: ['-vf', 'setsar=4/3', ...H264] },
    truth: constant(25),
    size: [213, 96],
  },
  {
    name: 'turned by 90 degrees',
    file: 'r90.mp4',
    clip: { frames: 60, args: ['-vf', 'transpose=cclock', ...H264] },
    truth: constant(25),
    after: (path) => setDisplayMatrix(path, [0, 1, -1, 0]),
  },
  {
    name: 'turned by 180 degrees',
    file: 'r180.mp4',
    clip: { frames: 60, args: ['-vf', 'hflip,vflip', ...H264] },
    truth: constant(25),
    after: (path) => setDisplayMatrix(path, [-1, 0, 0, -1]),
  },
  {
    name: 'turned by 270 degrees',
    file: 'r270.mp4',
    clip: { frames: 60, args: ['-vf', 'transpose=clock', ...H264] },
    truth: constant(25),
    after: (path) => setDisplayMatrix(path, [0, -1, 1, 0]),
  },
  {
    name: 'mirrored',
    file: 'mirror.mp4',
    clip: { frames: 60, args: ['-vf', 'hflip', ...H264] },
    truth: constant(25),
    after: (path) => setDisplayMatrix(path, [-1, 0, 0, 1]),
  },
];

describe.each(cases)(
  '$name',
  ({ file, clip, truth, tolerance = 2e-5, size = [160, 96], startOffset, after }) => {
    const path = join(folder, file);
    let video: ProbedVideo;
    let whole: SampledFrame[];

    beforeAll(async () => {
      await makeClip(path, clip);
      await after?.(path);
      video = await probeVideo(tools, path, LIMITS);
      whole = await take(path, video, [[0, 1e6]]);
    });

    it('returns duration, size and start of the displayed frames', () => {
      expect([video.width, video.height]).toEqual(size);
      const lastFrame = truth(clip.frames - 1);
      expect(video.duration).toBeGreaterThan(lastFrame);
      expect(video.duration).toBeLessThan(lastFrame + 0.2);
      if (startOffset !== undefined) expect(video.startOffset).toBeCloseTo(startOffset, 2);
    });

    it('keeps the first frame of each grid interval, or the one on display, with its own time', () => {
      expect(whole.map(({ image }) => image && readNumber(image))).toEqual(firstOfEach(truth, clip.frames));
      for (const { time, image } of whole) {
        expect(Math.abs(time - truth(image ? readNumber(image) : -1))).toBeLessThanOrEqual(tolerance);
      }
      for (const { image } of whole) expect([image?.width, image?.height]).toEqual(size);
    });

    it('keeps the same frames from spans that are extracted separately', async () => {
      const parts = await take(path, video, [
        [0, 0.7],
        [0.7, 1.9],
        [1.9, 1e6],
      ]);
      expect(parts.map(({ time }) => time)).toEqual(whole.map(({ time }) => time));
      for (const [index, { image }] of parts.entries()) {
        expect(image?.data.equals(whole[index]?.image?.data ?? Buffer.alloc(0))).toBe(true);
      }
    });
  },
);

describe('an edit list', () => {
  it('hides what it removes: times count from the first displayed frame', async () => {
    const original = await makeClip(join(folder, 'uncut.mp4'), { frames: 100, args: [...H264, '-bf', '2'] });
    const path = join(folder, 'cut.mp4');
    await ffmpeg(['-ss', '1.4', '-i', original, '-c', 'copy', path]); // in the middle of a group of pictures
    const frames = await take(path, await probeVideo(tools, path, LIMITS), [[0, 1e6]]);
    const numbers = frames.map(({ image }) => (image ? readNumber(image) : -1));
    const first = numbers[0] ?? 0;
    expect(first).toBeGreaterThanOrEqual(34);
    expect(first).toBeLessThanOrEqual(35);
    expect(frames.length).toBeGreaterThan(3);
    for (const [index, { time }] of frames.entries()) {
      expect(time).toBeCloseTo(((numbers[index] ?? 0) - first) / 25, 5);
    }
  });
});

describe('a sparse grid', () => {
  it('is sampled by seeking, with the same frames as full decoding', async () => {
    const path = await makeClip(join(folder, 'long.mp4'), {
      frames: 90,
      rate: '1',
      args: [...H264, '-g', '7'],
    });
    const video = await probeVideo(tools, path, LIMITS);
    const frames: SampledFrame[] = [];
    for await (const frame of sampleVideo(tools, {
      path,
      video,
      span: { start: 0, end: 1e6, first: 'keep' },
      sampler: { origin: 0.5, interval: 22 },
      ...LIMITS,
    })) {
      frames.push(frame);
    }
    expect(frames.map(({ time }) => time)).toEqual([0, 1, 23, 45, 67, 89]);
    expect(frames.map(({ image }) => image && readNumber(image))).toEqual([0, 1, 23, 45, 67, 89]);
  });
});

describe('frames that change size in the middle', () => {
  it('are all returned in the probed size, each once', async () => {
    const encoding = [...H264, '-bf', '0', '-muxdelay', '0', '-muxpreload', '0'];
    const small = await makeClip(join(folder, 'small.ts'), { frames: 50, args: encoding });
    const larger = await makeClip(join(folder, 'larger.ts'), {
      frames: 55,
      width: 320,
      height: 192,
      draw: (index, width, height) => drawNumber(index + 50, width, height),
      args: [...encoding, '-output_ts_offset', '2'],
    });
    const path = join(folder, 'both.ts');
    await writeFile(path, Buffer.concat([await readFile(small), await readFile(larger)]));
    const frames = await take(path, await probeVideo(tools, path, LIMITS), [[0, 1e6]]);
    expect(frames.map(({ image }) => image && readNumber(image))).toEqual(firstOfEach(constant(25), 105));
    for (const { image } of frames) expect([image?.width, image?.height]).toEqual([160, 96]);
  });
});

describe('the size of images', () => {
  it('is limited by the long side and never enlarged', async () => {
    const path = await makeClip(join(folder, 'large.mp4'), {
      frames: 3,
      width: 640,
      height: 360,
      args: [...H264],
    });
    const video = await probeVideo(tools, path, LIMITS);
    const span = { start: 0, end: 1, first: 'keep' } as const;
    for await (const { image } of sampleVideo(tools, {
      path,
      video,
      span,
      sampler: { origin: 0, interval: 1 },
      ...LIMITS,
      maxSide: 320,
    })) {
      expect([image?.width, image?.height]).toEqual([320, 180]);
    }
  });
});

/**
 * Samples the spans one after the other, as jobs do: the first keeps its first candidate, the others compare.
 */
async function take(
  path: string,
  video: ProbedVideo,
  spans: readonly (readonly [start: number, end: number])[],
): Promise<SampledFrame[]> {
  const frames: SampledFrame[] = [];
  for (const [index, [start, end]] of spans.entries()) {
    const span = { start, end, first: index === 0 ? 'keep' : 'compare' } as const;
    const grid = { origin: 0, interval: INTERVAL };
    for await (const frame of sampleVideo(tools, { path, video, span, sampler: grid, ...LIMITS }))
      frames.push(frame);
  }
  return frames;
}

/**
 * Numbers of the frames that are the first in their interval of the grid. Where none begins in an interval,
 * it is the one on display.
 */
function firstOfEach(truth: (k: number) => number, frames: number): number[] {
  const numbers: number[] = [];
  const interval = (k: number): number => (k < 0 ? -1 : Math.floor(truth(k) / INTERVAL + 1e-6));
  for (let k = 0; k < frames; k++) {
    if (interval(k) > interval(k - 1) + 1 && k > 0 && numbers.at(-1) !== k - 1) numbers.push(k - 1);
    if (interval(k) > interval(k - 1)) numbers.push(k);
  }
  return numbers;
}
