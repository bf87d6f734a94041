/** What cannot be summarized, and what means harm: each file with the code of its refusal. */
import { open, readFile, writeFile } from 'node:fs/promises';
import { deflateSync } from 'node:zlib';
import type { ErrorCode } from '../../core/errors.ts';
import type { Recipe } from './build.ts';
import { crc32 } from './crc32.ts';
import { H264, keepShare, patch, SINE, split } from './encoding.ts';

export interface RefusedFile extends Recipe {
  readonly what: string;
  readonly code: ErrorCode;
  /** What the message has to tell of what was found. */
  readonly says: RegExp;
}

const ONE_PIXEL = split('-f lavfi -i color=black:s=16x16:r=25:d=0.04');
const NOTHING = [...ONE_PIXEL, '-c:v', 'mpeg4', '-f', 'avi'] as const;

export const REFUSED: readonly RefusedFile[] = [
  sound('sound.m4a', ['-c:a', 'aac'], ['aac']),
  sound('sound.mp4', ['-c:a', 'aac', '-brand', 'isom'], ['aac']),
  sound('sound.mp3', ['-c:a', 'libmp3lame'], ['libmp3lame']),
  sound('sound.mkv', ['-c:a', 'libopus'], ['libopus']),
  sound('sound.wav', [], []),
  {
    name: 'cover-only.mp4',
    what: 'sound with a cover picture',
    frames: 1,
    args: [
      ...SINE,
      ...split('-map 0 -map 1 -c:a aac -c:v mjpeg -pix_fmt yuvj420p -disposition:v attached_pic'),
    ],
    encoders: ['aac', 'mjpeg'],
    code: 'no_video_stream',
    says: /only audio and a cover image/,
  },
  written('empty.mp4', 'nothing', '', 'empty_source', /is empty/),
  written('letter.mp4', 'text', 'Dear reader,\n'.repeat(500), 'unsupported_media', /not a video/),
  written(
    'playlist.mp4',
    'an HLS playlist that points at a local file',
    '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n',
    'unsupported_media',
    /a playlist/,
  ),
  written(
    'list.mp4',
    'an ffconcat list that points at a local file',
    "ffconcat version 1.0\nfile '/etc/passwd'\n",
    'unsupported_media',
    /a list of files/,
  ),
  {
    name: 'no-index.mp4',
    what: 'an mp4 cut off before its index',
    args: H264,
    encoders: ['libx264'],
    after: (path) => keepShare(path, 0.5),
    code: 'media_truncated',
    says: /before its index/,
  },
  {
    name: 'drm.mp4',
    what: 'an encrypted mp4',
    args: [
      ...H264,
      ...split('-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb'),
      ...split('-encryption_kid a7e61c373e219033c21091fa607bf3b8'),
    ],
    encoders: ['libx264'],
    code: 'encrypted_media',
    says: /encrypted/,
  },
  {
    name: 'scrambled.ts',
    what: 'a transport stream whose pictures are scrambled, as recorded from a pay channel',
    args: H264,
    encoders: ['libx264'],
    after: scramble,
    code: 'encrypted_media',
    says: /encrypted/,
  },
  {
    name: 'codec.mp4',
    what: 'a codec nobody knows',
    args: H264,
    encoders: ['libx264'],
    after: async (path) => {
      await patch(path, 'avc1\0\0\0\0', 0, Buffer.from('zzzz'));
    },
    code: 'unsupported_media',
    says: /codec \(zzzz\)/,
  },
  {
    name: 'huge-frame.mkv',
    what: 'a frame of 30,000 × 30,000 pixels, which the headers deny',
    frames: 1,
    args: split('-c:v png -pix_fmt rgb24'),
    encoders: ['png'],
    after: enlargePng,
    code: 'media_too_large',
    says: /too many pixels/,
  },
  {
    name: 'huge-frame.mov',
    what: 'a frame of 30,000 × 30,000 pixels, which the headers admit',
    frames: 1,
    args: split('-c:v png -pix_fmt rgb24'),
    encoders: ['png'],
    after: async (path) => {
      await enlargePng(path);
      await patch(path, 'png \0\0\0\0', 28, sides(2)); // of the sample entry, ISO 14496-12
    },
    code: 'media_too_large',
    says: /pixels/,
  },
  {
    name: 'index-bomb.mp4',
    what: 'a compressed index that claims two gigabytes',
    frames: 0,
    args: [...NOTHING],
    encoders: ['mpeg4'],
    after: (path) => writeFile(path, compressedIndex(0x7fffffff, Buffer.alloc(2 ** 20))),
    code: 'media_too_large',
    says: /too much memory/,
  },
  {
    name: 'endless-second.mkv',
    what: 'a hundred thousand frames that all claim the same second',
    frames: 0,
    args: split(
      '-f lavfi -i color=black:s=16x16:r=100000:d=0.3 -c:v mpeg4 -enc_time_base 1:60000 -f matroska',
    ),
    encoders: ['mpeg4'],
    code: 'media_too_large',
    says: /frames a second; the limit is 1000/,
  },
  {
    name: 'endless-slides.mkv',
    what: 'two hundred slides of a thousand seconds each',
    frames: 200,
    args: [
      ...split('-vf settb=1/1000,setpts=N*1000/TB'),
      ...split('-fps_mode passthrough -enc_time_base 1:1000 -c:v libx264'),
    ],
    encoders: ['libx264'],
    code: 'media_too_large',
    says: /lasts \d+ s; the limit is 172800 s/,
  },
];

/**
 * Makes noise of the payload of each packet but the tables, and says so in its header (ISO/IEC 13818-1,
 * 2.4.3.2).
 */
async function scramble(path: string): Promise<void> {
  const data = await readFile(path);
  for (let at = 0; at + 188 <= data.length; at += 188) {
    const program = data.readUInt16BE(at + 1) & 0x1fff;
    const control = data[at + 3] ?? 0;
    if (program < 0x100 || program >= 0x1000) continue; // ffmpeg's tables; what it encodes is 0x100 and up
    data[at + 3] = control | 0x80;
    const field = (control & 0x20) === 0 ? 0 : 1 + (data[at + 4] ?? 0);
    for (let byte = at + 4 + field; byte < at + 188; byte++)
      data[byte] = (data[byte] ?? 0) ^ (byte * 151 + 37);
  }
  await writeFile(path, data);
}

function sound(name: string, args: readonly string[], encoders: readonly string[]): RefusedFile {
  return {
    name,
    what: 'sound alone',
    frames: 0,
    args: [...SINE, ...args],
    encoders,
    code: 'no_video_stream',
    says: /audio/,
  };
}

/** A file whose bytes need no encoder. */
function written(
  name: string,
  what: string,
  content: string | Uint8Array,
  code: ErrorCode,
  says: RegExp,
): RefusedFile {
  return {
    name,
    what,
    frames: 0,
    args: [...NOTHING],
    encoders: ['mpeg4'],
    after: (path) => writeFile(path, content),
    code,
    says,
  };
}

/** Makes a PNG inside a file claim 30,000 × 30,000 pixels. */
async function enlargePng(path: string): Promise<void> {
  const data = await readFile(path);
  const header = data.indexOf('IHDR');
  sides(4).copy(data, header + 4);
  data.writeUInt32BE(crc32(data.subarray(header, header + 17)), header + 17);
  const file = await open(path, 'r+');
  await file.write(data, 0, data.length, 0);
  await file.close();
}

/** Width and height of 30,000, each in `bytes` bytes. */
function sides(bytes: 2 | 4): Buffer {
  const data = Buffer.alloc(2 * bytes);
  data.writeUIntBE(30_000, 0, bytes);
  data.writeUIntBE(30_000, bytes, bytes);
  return data;
}

/** A QuickTime file with a compressed index (`cmov`) that says how long it will be when it is unpacked. */
function compressedIndex(claimed: number, index: Uint8Array): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt32BE(claimed);
  const cmov = atom('cmov', atom('dcom', Buffer.from('zlib')), atom('cmvd', size, deflateSync(index)));
  return Buffer.concat([atom('ftyp', Buffer.from('qt  \0\0\0\0qt  ')), atom('moov', cmov)]);
}

function atom(name: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, body]);
}
