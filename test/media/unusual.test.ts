/** Pictures and containers that differ from the ordinary: sizes that change, alpha, no index, encryption. */
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RgbImage } from '../../media/index.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { ffmpeg, H264, makeClip, readNumber, temporaryFolder } from './clips.ts';
import { framesOf, probed } from './sampled.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);

function pixel({ data, width }: RgbImage, x: number, y: number): readonly number[] {
  return [...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];
}

/** A clip of one colour, as ffmpeg names it. */
async function plain(name: string, colour: string, size: string, args: readonly string[]): Promise<string> {
  await ffmpeg(['-f', 'lavfi', '-i', `color=${colour}:s=${size}:r=10:d=1,format=rgba`, ...args, at(name)]);
  return at(name);
}

describe('a frame size that changes', () => {
  it('keeps the aspect ratio of each frame, with black bars', async () => {
    const encoding = [...H264, '-bf', '0', '-muxdelay', '0', '-muxpreload', '0'];
    const lying = await plain('lying.ts', 'white', '160x96', encoding);
    const upright = await plain('upright.ts', 'white', '96x160', [...encoding, '-output_ts_offset', '1']);
    await writeFile(at('turned.ts'), Buffer.concat([await readFile(lying), await readFile(upright)]));
    const frames = await framesOf(at('turned.ts'), await probed(at('turned.ts')), 1);
    const [first, second] = frames.map(({ image }) => image as RgbImage); // both are kept
    if (!first || !second) throw new TypeError('two frames were expected');
    expect([second.width, second.height]).toEqual([160, 96]);
    expect(pixel(first, 2, 48)[0]).toBeGreaterThan(250);
    // 96 × 160 in a height of 96 is 58 wide: from 51 to 109.
    expect(pixel(second, 48, 48)[0]).toBeLessThan(5);
    expect(pixel(second, 54, 48)[0]).toBeGreaterThan(250);
    expect(pixel(second, 106, 48)[0]).toBeGreaterThan(250);
    expect(pixel(second, 112, 48)[0]).toBeLessThan(5);
  });
});

describe('a transparent video is on white', () => {
  it.each([
    ['VP8', 'vp8.webm', ['-pix_fmt', 'yuva420p', '-c:v', 'libvpx', '-auto-alt-ref', '0']],
    ['QuickTime Animation', 'rle.mov', ['-pix_fmt', 'argb', '-c:v', 'qtrle']],
    ['ProRes 4444', 'prores.mov', ['-pix_fmt', 'yuva444p10le', '-c:v', 'prores_ks', '-profile:v', '4444']],
  ] as const)('%s', async (_what, name, args) => {
    const path = await plain(name, 'black@0.0', '160x96', args);
    const [frame] = await framesOf(path, await probed(path), 10);
    expect(frame?.image && pixel(frame.image, 80, 48)).toEqual([255, 255, 255]);
  });
});

describe('a container', () => {
  it('of transport packets with error correction (204 bytes) is read', async () => {
    const data = await readFile(await makeClip(at('plain.ts'), { frames: 75, args: [...H264] }));
    const packets: Buffer[] = [];
    for (let start = 0; start < data.length; start += 188) {
      packets.push(data.subarray(start, start + 188), Buffer.alloc(16, 0xa5));
    }
    await writeFile(at('corrected.ts'), Buffer.concat(packets));
    const frames = await framesOf(at('corrected.ts'), await probed(at('corrected.ts')), 1);
    expect(frames.map(({ image }) => image && readNumber(image))).toEqual([0, 25, 50]);
  });

  it('without an index (MXF that was cut off) gives true times after a jump', async () => {
    const args = ['-c:v', 'mpeg2video', '-q:v', '4', '-bf', '2'];
    const path = await makeClip(at('cut.mxf'), { frames: 150, args });
    await truncate(path, Math.floor((await stat(path)).size * 0.8));
    const video = await probed(path);
    const frames = await framesOf(path, video, 0.5, [2.5, 3.5]);
    expect(frames.length).toBeGreaterThan(7);
    for (const { time, image } of frames)
      expect(Math.abs(time - (image ? readNumber(image) : -1) / 25)).toBeLessThan(0.05);
  });

  it.each([
    ['mpeg1video', 'elementary.m1v', 'MPEG-1 or MPEG-2'],
    ['mpeg2video', 'elementary.m2v', 'MPEG-1 or MPEG-2'],
    ['libx264', 'elementary.h264', 'H.264'],
  ])('is needed: a stream of %s alone is named in the rejection', async (encoder, name, says) => {
    const path = await makeClip(at(name), { frames: 10, args: ['-c:v', encoder] });
    await expect(probed(path)).rejects.toMatchObject({
      code: 'unsupported_media',
      message: expect.stringContaining(`${says} elementary stream`),
    });
  });

  it('whose index names an encrypted sample entry is rejected, in whichever scheme', async () => {
    const args = [...H264, '-movflags', 'frag_keyframe+empty_moov'];
    const data = await readFile(await makeClip(at('clear.mp4'), { frames: 10, args }));
    const stsd = data.indexOf('avc1', data.indexOf('stsd'));
    data.write('encv', stsd);
    // In place of the box after the entry's fixed part: sinf { frma }
    const box = Buffer.from('\0\0\0\x14sinf\0\0\0\x0cfrmaavc1', 'latin1');
    box.copy(data, stsd + 82);
    await writeFile(at('cbcs.mp4'), data);
    await expect(probed(at('cbcs.mp4'))).rejects.toMatchObject({ code: 'encrypted_media' });
  });
});

describe('files of shared/cases', () => {
  beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

  it.each([
    ['cenc-fragmented.mp4', 'encrypted_media'],
    ['elementary.mpg', 'unsupported_media'],
  ])('%s: %s', async (name, code) => {
    await expect(probed(casePath(`media/${name}`))).rejects.toMatchObject({ code });
  });

  it('v25-alpha.webm is a dark figure on white', async () => {
    const path = casePath('media/v25-alpha.webm');
    const [frame] = await framesOf(path, await probed(path), 10);
    expect(frame?.image && pixel(frame.image, 2, 2)).toEqual([255, 255, 255]);
    expect(frame?.image && pixel(frame.image, 160, 120)[0]).toBeLessThan(60);
  });

  it('v6-turned.ts has black bars beside the upright frames', async () => {
    const path = casePath('media/v6-turned.ts');
    const frames = await framesOf(path, await probed(path), 4);
    expect(frames[1]?.image && pixel(frames[1].image, 4, 120)).toEqual([0, 0, 0]);
  });
});
