/** What is found out of a video before any of it is decoded in earnest. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findMediaTools, type MediaTools, type ProbedVideo, probeVideo } from '../../media/index.ts';
import { type ClipOptions, H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

async function probed(name: string, clip: ClipOptions): Promise<ProbedVideo> {
  return probeVideo(tools, await makeClip(join(folder, name), clip), LIMITS);
}

describe('tracks', () => {
  it('are found with stream index, format, language, title and flags', async () => {
    const words = join(folder, 'words.srt');
    await writeFile(words, '1\n00:00:00,000 --> 00:00:01,000\nGood morning\n');
    const map = ['-i', words, '-i', words, '-map', '0', '-map', '1', '-map', '2'];
    const said = [
      ...['-metadata:s:s:0', 'language=eng', '-metadata:s:s:1', 'language=ger'],
      ...['-metadata:s:s:1', 'title=Deutsch', '-disposition:s:0', 'forced', '-disposition:s:1', 'default'],
    ];
    const { tracks, videoTrack } = await probed('words.mkv', {
      frames: 50,
      args: [...map, ...H264, '-c:s:0', 'subrip', '-c:s:1', 'ass', ...said],
    });
    expect(videoTrack).toBe(0);
    expect(tracks).toMatchObject([
      { index: 0, type: 'video', codec: 'h264' },
      { index: 1, type: 'subtitles', codec: 'subrip', language: 'eng', forced: true },
      { index: 2, type: 'subtitles', codec: 'ass', language: 'ger', title: 'Deutsch', default: true },
    ]);
  });

  it('of an mp4 are found as well, without a language where none is set', async () => {
    const words = join(folder, 'words.vtt');
    await writeFile(words, 'WEBVTT\n\n00:00.000 --> 00:01.000\nGood morning\n');
    const { tracks } = await probed('words.mp4', {
      frames: 50,
      args: ['-i', words, ...H264, '-c:s', 'mov_text'],
    });
    expect(tracks[1]).toEqual({ index: 1, type: 'subtitles', codec: 'mov_text', default: true });
  });

  it('are the video alone where there is nothing else', async () => {
    const { tracks } = await probed('silent.mkv', { frames: 10, args: [...H264] });
    expect(tracks.map(({ type }) => type)).toEqual(['video']);
  });
});

describe('the frame rate', () => {
  it('of a long video comes from its end and its headers', async () => {
    const steady = await probed('steady.mkv', { frames: 600, rate: '30', args: [...H264] });
    expect(steady.frameRate).toEqual({ kind: 'constant', average: 30 });
  });

  it('is variable where only the beginning of a long mp4 is slower', async () => {
    const late = `settb=1/1000,setpts='if(lt(N,50),N/5,10+(N-50)/25)/TB'`;
    const args = ['-vf', late, '-fps_mode', 'passthrough', '-enc_time_base', '1:1000', ...H264];
    const { frameRate, duration } = await probed('slow-start.mp4', { frames: 550, args });
    expect(duration).toBeCloseTo(30, 1);
    expect(frameRate.kind).toBe('variable');
  });
});

describe('a video that is too long', () => {
  it('is rejected with the limit in the message', async () => {
    const path = await makeClip(join(folder, 'five-seconds.mp4'), { frames: 125, args: [...H264] });
    await expect(probeVideo(tools, path, { ...LIMITS, maxDuration: 4 })).rejects.toMatchObject({
      code: 'media_too_large',
      message: 'The video lasts 5 s; the limit is 4 s.',
    });
    expect((await probeVideo(tools, path, { ...LIMITS, maxDuration: 5 })).duration).toBe(5);
  });
});
