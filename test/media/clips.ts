/**
 * Makes small videos in which every frame carries its own number, so that a test can tell which frame a
 * picture is without trusting any time. The number stands as 12 black or white fields in 3 rows of 4, lowest
 * bit first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { RgbImage } from '../../media/index.ts';

const COLUMNS = 4;
const ROWS = 3;
export const LIMITS = { maxPixels: 2 ** 26, maxPages: 1000 } as const;

/** A folder that is removed after the tests of the file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'media-test-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface ClipOptions {
  readonly frames: number;
  /** Nominal rate, as ffmpeg takes it. Default 25. */
  readonly rate?: string;
  readonly width?: number;
  readonly height?: number;
  /** Draws frame `index`; default: its number. */
  readonly draw?: (index: number, width: number, height: number) => Buffer;
  /** ffmpeg's arguments between input and output. */
  readonly args: readonly string[];
}

export const H264 = [
  '-c:v',
  'libx264',
  '-preset',
  'veryfast',
  '-g',
  '30',
  '-pix_fmt',
  'yuv420p',
  '-threads',
  '1',
] as const;

/** Writes a clip to `path`; the container follows from the name or from `-f` in the arguments. */
export async function makeClip(path: string, options: ClipOptions): Promise<string> {
  const { frames, rate = '25', width = 160, height = 96, draw = drawNumber } = options;
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${width}x${height}`,
    '-r',
    rate,
    '-i',
    'pipe:0',
  ];
  await ffmpeg([...input, ...options.args, `file:${path}`], async (write) => {
    for (let index = 0; index < frames; index++) await write(draw(index, width, height));
  });
  return path;
}

/** Runs the ffmpeg on PATH, which the project's set-up provides. */
export async function ffmpeg(
  args: readonly string[],
  feed: (write: (data: Buffer) => Promise<void>) => Promise<void> = async () => undefined,
): Promise<void> {
  const child = spawn('ffmpeg', ['-y', '-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (text) => {
    errors += String(text);
  });
  const closed = once(child, 'close');
  await feed(async (data) => {
    if (!child.stdin.write(data)) await once(child.stdin, 'drain');
  });
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg failed: ${errors}`);
}

/** The picture of a number. */
export function drawNumber(index: number, width: number, height: number): Buffer {
  const data = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bit = Math.floor((y * ROWS) / height) * COLUMNS + Math.floor((x * COLUMNS) / width);
      data.fill((index >> bit) & 1 ? 235 : 16, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return data;
}

/** The number in a picture. */
export function readNumber({ data, width, height }: RgbImage): number {
  let index = 0;
  for (let bit = 0; bit < COLUMNS * ROWS; bit++) {
    const x = Math.floor((((bit % COLUMNS) + 0.5) * width) / COLUMNS);
    const y = Math.floor(((Math.floor(bit / COLUMNS) + 0.5) * height) / ROWS);
    if ((data[(y * width + x) * 3] ?? 0) > 128) index |= 1 << bit;
  }
  return index;
}

/**
 * The number that a file of shared/cases shows: eight black or white fields along the bottom edge, highest
 * bit first.
 */
export function readBottomNumber({ data, width, height }: RgbImage): number {
  let number = 0;
  for (let field = 0; field < 8; field++) {
    const x = Math.floor(((field + 0.5) * width) / 8);
    const y = height - Math.ceil(height / 24);
    number = 2 * number + ((data[(y * width + x) * 3] ?? 0) > 128 ? 1 : 0);
  }
  return number;
}

/** Writes the display matrix of the one track of an mp4: `[a, b, c, d]` of its upper left corner. */
export async function setDisplayMatrix(
  path: string,
  [a, b, c, d]: readonly [number, number, number, number],
): Promise<void> {
  const data = await readFile(path);
  const matrix = data.indexOf('tkhd') + 4 + 40; // ISO 14496-12, version 0
  const entries = [a * 65_536, b * 65_536, 0, c * 65_536, d * 65_536, 0, 0, 0, 2 ** 30];
  for (const [index, entry] of entries.entries()) data.writeInt32BE(entry, matrix + index * 4);
  await writeFile(path, data);
}
