/** Subtitles and sound of joined recordings: they follow the pictures of their part. */
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { chooseSubtitles, findMediaTools, readSubtitleTrack, transcribeSection } from '../../media/index.ts';
import { ffmpeg, H264, LIMITS, temporaryFolder } from './clips.ts';
import { probed } from './sampled.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const tools = await findMediaTools({});

/** Three recordings of `seconds` in a row, each made with these further arguments. */
async function threeOf(extension: string, seconds: number, args: readonly string[]): Promise<string> {
  const picture = ['-f', 'lavfi', '-i', `testsrc2=s=64x64:d=${seconds}:r=10`];
  const part = at(`part.${extension}`);
  await ffmpeg([...picture, ...args, part]);
  const path = at(`three.${extension}`);
  await writeFile(path, '');
  for (let count = 0; count < 3; count++) await appendFile(path, await readFile(part));
  return path;
}

it.each([
  ['mkv', 'srt', [...H264, '-bf', '2'], '1\n00:00:00,500 --> 00:00:01,250\nHello\n'],
  ['webm', 'vtt', ['-c:v', 'libvpx'], 'WEBVTT\n\n00:00.500 --> 00:01.250\nHello\n'],
] as const)('cues of each part of %s files come when they are said', async (extension, kind, args, text) => {
  await writeFile(at(`words.${kind}`), text);
  const inputs = ['-i', at(`words.${kind}`), '-map', '0', '-map', '1', '-c:s', 'copy'];
  const path = await threeOf(extension, 3, [...inputs, ...args]);
  const video = await probed(path);
  const [track] = chooseSubtitles(video).full;
  if (!track) throw new Error('no subtitles');
  const { cues, skipped } = await readSubtitleTrack(tools, { path, video, track, ...LIMITS });
  expect(skipped).toEqual({});
  expect(cues.map(({ text: said }) => said)).toEqual(['Hello', 'Hello', 'Hello']);
  for (const [index, { start, end }] of cues.entries()) {
    expect(Math.abs(start - (3 * index + 0.5))).toBeLessThan(0.1);
    expect(end - start).toBeCloseTo(0.75, 2);
  }
});

/** The parts of a second, in tenths, in which 16-bit samples are loud. */
function loudTenths(samples: Buffer): readonly number[] {
  const loud: number[] = [];
  const bytes = 3200; // a tenth of a second
  for (let tenth = 0; (tenth + 1) * bytes <= samples.length; tenth++) {
    let peak = 0;
    for (let byte = 0; byte < bytes; byte += 2)
      peak = Math.max(peak, Math.abs(samples.readInt16LE(tenth * bytes + byte)));
    if (peak > 500) loud.push(tenth);
  }
  return loud;
}

it.each([
  ['mkv', ['-c:a', 'flac']],
  ['ts', ['-c:a', 'mp2']],
  ['flv', ['-c:a', 'aac']],
] as const)('the sound of each part of %s files is sent in its place', async (extension, codec) => {
  // A tone in the second second of each part of three seconds.
  const tone = ['-f', 'lavfi', '-i', `aevalsrc='0.5*sin(2765*t)*between(t,1,2)':d=3:s=44100`];
  const path = await threeOf(extension, 3, [...tone, ...H264, ...codec]);
  const video = await probed(path);
  const audioTrack = video.tracks.find(({ type }) => type === 'audio')?.index ?? -1;
  let wav = Buffer.alloc(0);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const start = body.indexOf('RIFF');
      wav = body.subarray(start + 44, start + 8 + body.readUInt32LE(start + 4));
      response.end('{"text":"","segments":[]}');
    });
  }).listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`; // it listens on TCP
  const heard = async (start: number): Promise<readonly number[]> => {
    const api = { url, model: 'm', apiKey: undefined };
    await transcribeSection(tools, { path, video, start, audioTrack, api, ...LIMITS });
    return loudTenths(wav);
  };
  const middles = (tenths: readonly number[]): boolean[] =>
    [5, 15, 25, 35, 45, 55, 65, 75, 85].map((tenth) => tenths.includes(tenth));
  expect(middles(await heard(0))).toEqual([false, true, false, false, true, false, false, true, false]);
  // From 4 s on: half of the second tone, and the third.
  expect(middles(await heard(4))).toEqual([true, false, false, true, false, false, false, false, false]);
});
