/** Where a video ends: with its last picture or sound. What the file lacks is a gap, not a reason to reject it. */
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { drawNumber, ffmpeg, H264, makeClip, readNumber, temporaryFolder } from './clips.ts';
import { framesOf, numberBelow, probed } from './sampled.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const SOUND = (seconds: number): readonly string[] => [
  '-f',
  'lavfi',
  '-i',
  `sine=duration=${seconds}`,
  '-c:a',
  'aac',
];

async function clip(name: string, args: readonly string[], frames = 100): Promise<string> {
  return makeClip(at(name), { frames, args });
}

async function cut(path: string, bytes: number): Promise<string> {
  await truncate(path, (await stat(path)).size - bytes);
  return path;
}

async function cutToShare(path: string, share: number): Promise<string> {
  await truncate(path, Math.floor((await stat(path)).size * share));
  return path;
}

describe('a truncated file', () => {
  it.each([
    ['mp4', [...H264, '-bf', '2', '-movflags', 'faststart']],
    ['mkv', [...H264, '-bf', '2']],
    ['avi', ['-c:v', 'mpeg4', '-q:v', '3']],
    ['flv', [...H264, '-bf', '0']],
  ] as const)('(%s) is read as far as it goes; the end that is missing is a gap', async (extension, args) => {
    const path = await cutToShare(await clip(`cut.${extension}`, args, 300), 0.6);
    const video = await probed(path);
    expect(video.duration).toBeGreaterThan(4);
    expect(video.duration).toBeLessThan(9);
    expect(video.missing?.start).toBe(video.duration);
    expect(video.missing?.end).toBeGreaterThan(11.9);
    expect(video.missing?.end).toBeLessThan(12.2);
    const frames = await framesOf(path, video, 1);
    expect(frames.length).toBeGreaterThanOrEqual(Math.floor(video.duration) - 1);
    for (const { time, image } of frames) expect(time).toBeCloseTo((image ? readNumber(image) : -1) / 25, 1);
  });

  it('that lacks only some hundred bytes has no gap', async () => {
    const video = await probed(await cut(await clip('short.mp4', [...H264, '-movflags', 'faststart']), 300));
    expect(video.duration).toBeGreaterThan(3.5);
    expect(video.missing).toBeUndefined();
  });
});

describe('a header that exaggerates', () => {
  it.each([
    ['an MP4 with a start offset', ['-itsoffset', '7'], 'offset.mp4', 4],
    ['a Matroska file with a start offset', ['-itsoffset', '7'], 'offset.mkv', 4],
  ] as const)('%s is read to its end', async (_what, before, name, seconds) => {
    const original = await clip(`original-${name}`, [...H264, '-bf', '2']);
    await ffmpeg([...before, '-i', original, '-c', 'copy', at(name)]);
    const video = await probed(at(name));
    expect(video.duration).toBeCloseTo(seconds, 1);
    expect(video.missing).toBeUndefined();
  });

  it('a WebM whose duration a browser patched to twice its length ends with its last frame', async () => {
    const path = await clip('patched.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-b:v', '200k'], 75);
    const data = await readFile(path);
    const duration = data.indexOf(Buffer.from([0x44, 0x89, 0x88])); // Duration, eight bytes: RFC 9559
    expect(duration).toBeGreaterThan(0);
    data.writeDoubleBE(60_000, duration + 3);
    await writeFile(path, data);
    const video = await probed(path);
    expect(video.duration).toBeCloseTo(3, 1);
    expect(video.missing).toBeUndefined();
  });

  it('chapters, and a cue that ends later, do not make the film longer', async () => {
    await writeFile(
      at('chapters.txt'),
      ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=3\ntitle=a\n[CHAPTER]\nTIMEBASE=1/1\nSTART=3\nEND=40\ntitle=b\n',
    );
    await writeFile(at('late.srt'), '1\n00:00:01,000 --> 00:00:50,000\nStill here\n');
    const original = await clip('plain.mp4', [...H264]);
    const inputs = ['-i', original, '-i', at('late.srt'), '-i', at('chapters.txt'), '-map', '0', '-map', '1'];
    for (const [name, codec] of [
      ['late.mkv', 'subrip'],
      ['late.mp4', 'mov_text'],
    ] as const) {
      await ffmpeg([...inputs, '-map_metadata', '2', '-c:v', 'copy', '-c:s', codec, at(name)]);
      const video = await probed(at(name));
      expect(video.duration).toBeCloseTo(4, 1);
      expect(video.missing).toBeUndefined();
    }
  });

  it('an AVI in which dropped frames are empty chunks is read to its end', async () => {
    const args = [
      '-vf',
      `select='lt(mod(n,10),2)'`,
      '-fps_mode',
      'passthrough',
      '-c:v',
      'mpeg4',
      '-q:v',
      '3',
    ];
    const video = await probed(await clip('dropped.avi', args));
    expect(video.missing).toBeUndefined();
    expect(video.duration).toBeGreaterThan(3.5);
    expect(video.duration).toBeLessThan(4.1);
  });
});

describe('a video whose sound is longer than its pictures', () => {
  it.each(['mp4', 'mkv', 'ts'])('(%s) ends with the sound', async (extension) => {
    const path = await clip(`sound.${extension}`, [...SOUND(30), ...H264], 25);
    const video = await probed(path);
    expect(Math.abs(video.duration - 30)).toBeLessThan(0.1);
    const frames = await framesOf(path, video, 0.5);
    // The first frame at or after each point, and once the last one: no frame begins at 1.0 and later.
    const kept = frames.filter((frame) => frame.kept);
    expect(kept.map(({ time, image }) => [time, image && readNumber(image)])).toEqual([
      [0, 0],
      [0.52, 13],
      [0.96, 24],
    ]);
    expect(frames).toHaveLength(3);
  });

  it('does not keep its last frame where it shows the same as the one before', async () => {
    const draw = (index: number, width: number, height: number): Buffer =>
      drawNumber(Math.min(index, 13), width, height);
    const args = [...SOUND(30), ...H264];
    const path = await makeClip(at('repeated.mp4'), { frames: 25, draw, args });
    const frames = await framesOf(path, await probed(path), 0.5);
    expect(frames.map(({ time, kept }) => [time, kept])).toEqual([
      [0, true],
      [0.52, true],
      [0.96, false],
    ]);
  });

  it('lasts as long as the sound over one still image', async () => {
    const video = await probed(await clip('podcast.mp4', [...SOUND(40), ...H264], 1));
    expect(video.duration).toBeCloseTo(40, 0);
  });
});

describe('files of shared/cases', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it.each([
    ['v1-cut-with-chapters.mp4', 8.2],
    ['v2-long-cue.mkv', 30],
    ['v10-short-600-bytes.mp4', 30],
    ['v7-sound-longer.mp4', 40],
    ['late-start.mp4', 2],
    ['frag-unknown-duration.mp4', 2],
  ])('%s lasts %d s', async (name, seconds) => {
    const video = await probed(casePath(`media/${name}`));
    expect(Math.abs(video.duration - seconds)).toBeLessThan(0.25);
    expect(video.missing).toBeUndefined();
  });

  it('v18-poster-first.mkv is the default track, not the poster', async () => {
    const path = casePath('media/v18-poster-first.mkv');
    const video = await probed(path);
    expect(video.videoTrack).toBe(1);
    const [first] = await framesOf(path, video, 100);
    expect(first?.image && numberBelow(first.image)).toBe(1);
  });
});
