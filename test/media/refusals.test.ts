/** Every source that cannot be summarized is rejected by its content, with the error code for the reason. */
import { readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PDFDocument } from 'pdf-lib';
import sharp, { type SharpOptions } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { FrameloomError } from '../../core/errors.ts';
import {
  detectMediaKind,
  findMediaTools,
  type MediaTools,
  openDeck,
  probeVideo,
  readImage,
  sampleVideo,
} from '../../media/index.ts';
import { crc32 } from '../corpus/crc32.ts';
import { makePptx } from '../corpus/pptx.ts';
import { ffmpeg, H264, LIMITS, makeClip, temporaryFolder } from './clips.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
const SOUND = ['-f', 'lavfi', '-i', 'sine=duration=2'] as const;
const LONG = { frames: 750, args: [...H264, '-bf', '2'] } as const;
let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});

/** Puts text or bytes into a file. */
async function file(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(at(name), content);
  return at(name);
}

async function cut(path: string, share: number): Promise<string> {
  await truncate(path, Math.floor((await stat(path)).size * share));
  return path;
}

describe('a video is rejected', () => {
  it.each<readonly [what: string, code: string, make: () => Promise<string>]>([
    ['an empty file', 'empty_source', () => file('empty.mp4', '')],
    ['text', 'unsupported_media', () => file('text.mp4', 'Dear reader,\n'.repeat(500))],
    [
      'an HLS playlist',
      'unsupported_media',
      () => file('hls.mp4', '#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
    ],
    [
      'an ffconcat list',
      'unsupported_media',
      () => file('list.mp4', "ffconcat version 1.0\nfile '/etc/passwd'\n"),
    ],
    ['an SVG', 'unsupported_media', () => file('drawing.mp4', '<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['random bytes', 'unsupported_media', () => file('noise.mp4', Buffer.alloc(5000, 'p9#'))],
    [
      'random bytes that begin like an mp4',
      'media_truncated',
      () =>
        file('lie.mp4', Buffer.concat([Buffer.from('\0\0\0\x18ftypisom\0\0\0\0'), Buffer.alloc(5000, 'q')])),
    ],
    [
      'random bytes that begin like a Matroska file',
      'unsupported_media',
      () => file('lie.mkv', Buffer.concat([Buffer.from([0x1a, 0x45, 0xdf, 0xa3]), Buffer.alloc(5000, 'q')])),
    ],
    ['WAV', 'no_video_stream', () => made('sound.wav', SOUND)],
    ['M4A', 'no_video_stream', () => made('sound.m4a', [...SOUND, '-c:a', 'aac'])],
    ['MP3', 'no_video_stream', () => made('sound.mp3', [...SOUND, '-c:a', 'libmp3lame'])],
    ['an mp4 with sound alone', 'no_video_stream', () => made('sound.mp4', [...SOUND, '-c:a', 'aac'])],
    [
      'an mp4 with sound and a cover picture',
      'no_video_stream',
      () =>
        made('cover.mp4', [
          ...SOUND,
          ...['-f', 'lavfi', '-i', 'color=red:s=64x64:d=0.1', '-map', '0', '-map', '1', '-frames:v', '1'],
          ...['-c:a', 'aac', '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-disposition:v', 'attached_pic'],
        ]),
    ],
    [
      'an mp4 cut before its index',
      'media_truncated',
      async () => cut(await makeClip(at('no-moov.mp4'), LONG), 0.5),
    ],
    [
      'a video with DRM',
      'encrypted_media',
      () =>
        makeClip(at('drm.mp4'), {
          frames: 30,
          args: [
            ...H264,
            ...['-encryption_scheme', 'cenc-aes-ctr', '-encryption_key', '76a6c65c5ea762046bd749a2e632ccbb'],
            ...['-encryption_kid', 'a7e61c373e219033c21091fa607bf3b8'],
          ],
        }),
    ],
    [
      'a codec nobody knows',
      'unsupported_media',
      async () => {
        const data = await readFile(await makeClip(at('codec.mp4'), { frames: 10, args: [...H264] }));
        data.write('zzzz', data.indexOf('avc1', data.indexOf('stsd')));
        return file('codec.mp4', data);
      },
    ],
    ['a PDF', 'unsupported_media', () => file('deck.mp4', '%PDF-1.7\n')],
    ['nothing at all', 'source_missing', async () => at('absent.mp4')],
  ])('%s: %s', async (_what, code, make) => {
    const error = await failure(probeVideo(tools, await make(), LIMITS));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(folder);
  });

  it('frames with more pixels than the limit: media_too_large', async () => {
    const path = await makeClip(at('large.mp4'), { frames: 5, args: [...H264] });
    expect((await failure(probeVideo(tools, path, { maxPixels: 160 * 96 - 1 }))).code).toBe(
      'media_too_large',
    );
  });

  it('a size that exceeds the limit only with square pixels: media_too_large', async () => {
    const path = await makeClip(at('wide.mkv'), { frames: 5, args: ['-vf', 'setsar=100/1', ...H264] });
    expect((await failure(probeVideo(tools, path, { maxPixels: 160 * 96 * 50 }))).code).toBe(
      'media_too_large',
    );
  });
});

describe('a file name has no effect', () => {
  it.each(['-i.mp4', 'line\nbreak and \'quotes" $(x) %d.mp4', 'http:', 'concat:a|b', 'ümläut 🎞.txt'])(
    '%j',
    async (name) => {
      const path = at(name);
      await writeFile(path, await readFile(await makeClip(at('plain.mp4'), { frames: 30, args: [...H264] })));
      const video = await probeVideo(tools, path, LIMITS);
      const times: number[] = [];
      const span = { start: 0, end: 2, first: 'keep' } as const;
      for await (const frame of sampleVideo(tools, {
        path,
        video,
        span,
        sampler: { origin: 0, interval: 1 },
        ...LIMITS,
      }))
        times.push(frame.time);
      expect(times).toEqual([0, 1]);
    },
  );
});

describe('a deck is rejected', () => {
  it.each<readonly [what: string, code: string, make: () => Promise<string>]>([
    ['an empty file', 'empty_source', () => file('empty.pdf', '')],
    ['text', 'unsupported_media', () => file('text.pdf', 'slides')],
    ['a picture', 'unsupported_media', async () => file('picture.pdf', await png(4, 4))],
    ['a header and nothing else', 'media_truncated', () => file('header.pdf', '%PDF-1.7\n')],
    [
      'garbage behind the header',
      'media_truncated',
      () => file('garbage.pdf', `%PDF-1.7\n${'x1 0 obj '.repeat(500)}`),
    ],
    ['a password', 'encrypted_media', () => file('locked.pdf', LOCKED_PDF)],
    [
      'no pages',
      'no_pages',
      async () => file('none.pdf', await (await PDFDocument.create()).save({ addDefaultPage: false })),
    ],
    [
      'too many pages',
      'media_too_large',
      async () => {
        const document = await PDFDocument.create();
        for (let page = 0; page <= LIMITS.maxPages; page++) document.addPage([10, 10]);
        return file('many.pdf', await document.save());
      },
    ],
  ])('%s: %s', async (_what, code, make) => {
    const error = await failure(openDeck(await make(), LIMITS));
    expect(error.code).toBe(code);
    expect(error.message).not.toContain(folder);
  });
});

describe('an image is rejected', () => {
  it.each<readonly [what: string, code: string, make: () => Promise<Uint8Array>]>([
    ['no bytes', 'empty_source', async () => new Uint8Array()],
    [
      'an SVG',
      'unsupported_media',
      async () => Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
    ],
    ['a HEIC', 'unsupported_media', async () => Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic')],
    [
      'a HEIC that calls itself an AVIF',
      'media_truncated',
      async () => Buffer.from('\0\0\0\x18ftypavif\0\0\0\0mif1heic'),
    ],
    ['a PDF', 'unsupported_media', async () => Buffer.from('%PDF-1.7\n')],
    ['a header of 30,000 × 30,000 pixels', 'media_too_large', () => png(30_000, 30_000)],
    [
      'a JPEG cut in the middle',
      'media_truncated',
      async () => {
        const jpeg = await sharp(blank(600, 600)).jpeg().toBuffer();
        return jpeg.subarray(0, jpeg.length / 2);
      },
    ],
    [
      'a PNG cut in the middle',
      'media_truncated',
      async () => {
        const whole = await sharp(blank(600, 600)).png().toBuffer();
        return whole.subarray(0, whole.length / 2);
      },
    ],
  ])('%s: %s', async (_what, code, make) => {
    expect((await failure(readImage(await make(), LIMITS))).code).toBe(code);
  });
});

describe('detectMediaKind', () => {
  it.each([
    ['video', () => makeClip(at('sniff-1'), { frames: 2, args: [...H264, '-f', 'mp4'] })],
    ['video', () => makeClip(at('sniff-2'), { frames: 2, args: [...H264, '-f', 'matroska'] })],
    ['video', () => makeClip(at('sniff-3'), { frames: 2, args: [...H264, '-f', 'mpegts'] })],
    [
      'video',
      () => makeClip(at('sniff-4'), { frames: 2, args: [...H264, '-f', 'mpegts', '-mpegts_m2ts_mode', '1'] }),
    ],
    [
      'video',
      async () => {
        const path = await makeClip(at('sniff-ts'), { frames: 20, args: [...H264, '-f', 'mpegts'] });
        return file('sniff-ts-cut', (await readFile(path)).subarray(100));
      },
    ],
    ['video', () => makeClip(at('sniff-5'), { frames: 2, args: [...H264, '-f', 'avi'] })],
    ['video', () => makeClip(at('sniff-6'), { frames: 2, args: [...H264, '-f', 'mov'] })],
    ['pdf', () => file('sniff-7', `${'\n'.repeat(900)}%PDF-1.4`)],
    ['image', async () => file('sniff-gif', await sharp(blank(8, 8)).gif().toBuffer())],
    ['image', async () => file('sniff-tiff', await sharp(blank(8, 8)).tiff().toBuffer())],
    ['image', async () => file('sniff-avif', await sharp(blank(8, 8)).avif({ effort: 0 }).toBuffer())],
    ['pptx', () => makePptx(at('sniff-pptx'), { slides: [{ title: 'x' }] })],
    ['image', async () => file('sniff-8', await sharp(blank(8, 8)).jpeg().toBuffer())],
    ['image', async () => file('sniff-9', await sharp(blank(8, 8)).png().toBuffer())],
    ['image', async () => file('sniff-10', await sharp(blank(8, 8)).webp().toBuffer())],
  ] as const)('finds a %s by its bytes', async (kind, make) => {
    expect(await detectMediaKind(await make())).toBe(kind);
  });
});

async function made(name: string, args: readonly string[]): Promise<string> {
  await ffmpeg([...args, at(name)]);
  return at(name);
}

async function failure(work: Promise<unknown>): Promise<FrameloomError> {
  const error = await work.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof FrameloomError)) throw error;
  return error;
}

function blank(width: number, height: number): SharpOptions {
  return {
    create: {
      width,
      height,
      channels: 3,
      background: '#369',
      noise: { type: 'gaussian', mean: 128, sigma: 60 },
    },
  };
}

/** A PNG with this header; the data behind it is for one row of four pixels. */
async function png(width: number, height: number): Promise<Buffer> {
  const whole = await sharp({ create: { width: 4, height: 4, channels: 3, background: '#000' } })
    .png()
    .toBuffer();
  const header = 8 + 8;
  whole.writeUInt32BE(width, header);
  whole.writeUInt32BE(height, header + 4);
  whole.writeUInt32BE(crc32(whole.subarray(header - 4, header + 13)), header + 13);
  return whole;
}

/**
 * One empty page behind a user password that is not the empty one: no password gives these 32 bytes of `U`.
 */
const LOCKED_PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj
4 0 obj<</Filter/Standard/V 1/R 2/P -4/O<${'0f'.repeat(32)}>/U<${'f0'.repeat(32)}>>>endobj
trailer<</Root 1 0 R/Encrypt 4 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]/Size 5>>
%%EOF
`;
