/** Recordings that were joined, or whose clock was set: nothing is lost, and times are continuous. */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { drawNumber, H264, makeClip, readNumber, temporaryFolder } from './clips.ts';
import { framesOf, numberBelow, probed } from './sampled.ts';

const folder = temporaryFolder();
const SECONDS = 2;
const FRAMES = 25 * SECONDS;
const B_FRAMES = [...H264, '-bf', '2'] as const;
const VP8 = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k'] as const;

/** A clip of two seconds whose frames are numbered from `first` on. */
async function piece(name: string, first: number, args: readonly string[], frames = FRAMES): Promise<string> {
  const draw = (index: number, width: number, height: number): Buffer =>
    drawNumber(index + first, width, height);
  return makeClip(join(folder, name), { frames, draw, args });
}

async function joined(name: string, parts: readonly string[]): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, '');
  for (const part of parts) await appendFile(path, await readFile(part));
  return path;
}

interface Case {
  readonly what: string;
  readonly extension: string;
  /** Arguments of the encoder for each piece. */
  readonly pieces: readonly (readonly string[])[];
}

const cases: readonly Case[] = [
  { what: 'two transport streams with B-frames', extension: 'ts', pieces: [B_FRAMES, B_FRAMES] },
  { what: 'four transport streams', extension: 'ts', pieces: [H264, B_FRAMES, H264, H264] },
  {
    what: 'a transport stream whose clock leaps 25 hours ahead and back',
    extension: 'ts',
    pieces: [H264, [...H264, '-output_ts_offset', '90000'], H264],
  },
  {
    what: 'a transport stream whose clock starts anew after hours',
    extension: 'ts',
    pieces: [[...H264, '-output_ts_offset', '40000'], B_FRAMES],
  },
  { what: 'two MPEG program streams', extension: 'mpg', pieces: [MPEG2(), MPEG2()] },
  {
    what: 'three WebM recordings of a browser',
    extension: 'webm',
    pieces: [LIVE(), LIVE(), LIVE()],
  },
  { what: 'two WebM files with an index', extension: 'webm', pieces: [VP8, VP8] },
  { what: 'two Matroska files', extension: 'mkv', pieces: [B_FRAMES, B_FRAMES] },
  {
    what: 'four Matroska files with stated sizes',
    extension: 'mkv',
    pieces: [B_FRAMES, H264, H264, B_FRAMES],
  },
  {
    what: 'recordings of a browser between WebM files',
    extension: 'webm',
    pieces: [LIVE(), VP8, LIVE(), VP8],
  },
  { what: 'three FLV files', extension: 'flv', pieces: [H264, H264, B_FRAMES] },
  { what: 'two fragmented MP4 files', extension: 'mp4', pieces: [FRAGMENTED(), FRAGMENTED()] },
];

function MPEG2(): readonly string[] {
  return ['-c:v', 'mpeg2video', '-bf', '2', '-g', '12', '-q:v', '3', '-f', 'mpeg'];
}

function LIVE(): readonly string[] {
  return [...VP8, '-f', 'webm', '-live', '1'];
}

function FRAGMENTED(): readonly string[] {
  return [...H264, '-movflags', 'frag_keyframe+empty_moov+default_base_moof'];
}

describe.each(cases)('$what', ({ extension, pieces }) => {
  let path: string;

  beforeAll(async () => {
    const parts: string[] = [];
    for (const [index, args] of pieces.entries()) {
      parts.push(await piece(`piece-${index}.${extension}`, index * FRAMES, args));
    }
    path = await joined(`joined-${pieces.length}.${extension}`, parts);
  });

  it('give every frame, later pieces after earlier ones, and the places of the joins', async () => {
    const video = await probed(path);
    expect(Math.abs(video.duration - pieces.length * SECONDS)).toBeLessThan(0.13);
    const frames = await framesOf(path, video, 0.5);
    expect(frames.length).toBeGreaterThanOrEqual(pieces.length * SECONDS * 2);
    for (const { time, image } of frames) {
      expect(Math.abs(time - (image ? readNumber(image) : -1) / 25)).toBeLessThan(0.13);
    }
    const joins = video.sequential?.parts
      .slice(1)
      .map(({ start, shift }) => start + shift - video.startOffset);
    expect(joins?.map((time) => Math.round(time))).toEqual(
      pieces.slice(1).map((_, index) => (index + 1) * SECONDS),
    );
  });

  it('give the same frames in spans that are read separately', async () => {
    const video = await probed(path);
    const whole = await framesOf(path, video, 0.5);
    const parts = await framesOf(path, video, 0.5, [1.3, SECONDS + 0.1, SECONDS + 1.2]);
    expect(parts.map(({ time }) => time)).toEqual(whole.map(({ time }) => time));
  });
});

describe('a recording after the first one that cannot be read', () => {
  it.each([
    ['mp4', [...H264]],
    ['mp4', [...H264, '-movflags', 'faststart']],
    ['mov', [...H264]],
  ] as const)('is a gap as long as it lasts (%s %j)', async (extension, args) => {
    const parts: string[] = [];
    for (const frames of [50, 75, 25]) {
      parts.push(await piece(`unread-${frames}.${extension}`, 0, args, frames));
    }
    const video = await probed(await joined(`unread.${extension}`, parts));
    expect(video.duration).toBeCloseTo(2, 2);
    expect(video.missing).toMatchObject({ start: video.duration, reason: 'unsupported_media' });
    expect(video.missing?.end).toBeCloseTo(6, 1);
  });

  it.each([
    ['with sound', ['-f', 'lavfi', '-i', 'sine=duration=2', '-c:a', 'libvorbis']],
    ['without sound', []],
  ])('is a gap of about its share of the bytes in Ogg %s, which states no duration', async (what, sound) => {
    const part = await piece(`${what}.ogv`, 0, [...sound, '-c:v', 'libtheora', '-q:v', '7']);
    const path = await joined(`unread ${what}.ogv`, [part, part]);
    const video = await probed(path);
    expect(Math.abs(video.duration - 2)).toBeLessThan(0.1);
    expect(video.missing).toMatchObject({ start: video.duration, reason: 'unsupported_media' });
    expect(Math.abs((video.missing?.end ?? 0) - 4)).toBeLessThan(0.3);
    expect((await framesOf(path, video, 0.5)).length).toBe(4);
  });
});

describe('a pause is not a change of the clock', () => {
  it('where a page of a transport stream is displayed for four minutes', async () => {
    const pause = [
      ...['-vf', `settb=1/90000,setpts='if(lt(N,25),N/25,240+N/25)/TB'`],
      ...['-fps_mode', 'passthrough', '-enc_time_base', '1:90000'],
    ];
    const video = await probed(await piece('pause.ts', 0, [...pause, ...H264]));
    expect(video.duration).toBeGreaterThan(241.9);
    expect(video.sequential).toBeUndefined();
  });
});

describe('joined recordings of shared/cases', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it('v4-cat.ts has 20 s and four slides', async () => {
    const path = casePath('media/v4-cat.ts');
    const video = await probed(path);
    expect(video.duration).toBeCloseTo(20, 1);
    const frames = await framesOf(path, video, 1);
    const numbers = frames.flatMap(({ image }) => (image ? numberBelow(image) : []));
    expect([...new Set(numbers)]).toEqual([1, 2, 3, 4]);
  });
});
