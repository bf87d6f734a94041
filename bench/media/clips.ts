/** The long videos of the benchmark: short segments, encoded once and concatenated. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Canvas, canvas, words } from '../../test/media/drawing.ts';

export const CACHE = join(tmpdir(), 'frameloom-bench-media');
const PAGES = 8;
const X264 = ['-c:v', 'libx264', '-crf', '23', '-pix_fmt', 'yuv420p'];

/** When another slide comes in the lecture, in seconds. */
export const LECTURE_SLIDES: readonly number[] = Array.from({ length: 30 }, (_, slide) => slide * 120);

/** Slides of two minutes each, 1080p, 25 frames a second, as a screen recorder writes them. */
export function lecture(): Promise<string> {
  return joined('lecture-60min.mp4', 25, 20, 'veryfast', 180, 6);
}

/** Slides of one minute each, 1080p, 5 frames a second: long ones are made fast. */
export function longLecture(minutes: number): Promise<string> {
  return joined(`static-${minutes}min.mp4`, 5, 60, 'ultrafast', minutes, 1);
}

/** Ten minutes at 30 frames a second in which the whole image moves, with grain and a cut every three seconds. */
export async function motion(): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const half = await made('motion-30s.mp4', async (path) => {
    const texture = join(CACHE, 'texture.png');
    const soft = 'geq=random(1)*255:random(2)*255:random(3)*255,gblur=3,eq=contrast=4';
    await ffmpeg([
      ...['-f', 'lavfi', '-i', `nullsrc=s=480x270,${soft},scale=3840:2160:flags=bicubic`],
      ...['-frames:v', '1', texture],
    ]);
    const pan = "crop=1920:1080:x='960+900*sin(t*0.5)':y='540+500*cos(t*0.6)'";
    const filters = `${pan},hue=h='floor(t/3)*77',noise=alls=5:allf=t,format=yuv420p`;
    const input = ['-loop', '1', '-framerate', '30', '-i', texture, '-vf', filters, '-t', '30'];
    await ffmpeg([...input, ...X264, '-preset', 'veryfast', path]);
  });
  return made('motion-10min.mp4', (path) => join20(path, half));
}

async function join20(path: string, piece: string): Promise<void> {
  await concatenate(path, Array(20).fill(piece));
}

async function joined(
  name: string,
  rate: number,
  seconds: number,
  preset: string,
  pieces: number,
  repeats: number,
): Promise<string> {
  await mkdir(CACHE, { recursive: true });
  const parts: string[] = [];
  for (let page = 0; page < PAGES; page++) {
    parts.push(
      await made(`page-${page}-${rate}fps-${seconds}s.mp4`, async (path) => {
        const { data, width, height } = drawPage(page);
        const still = join(CACHE, `page-${page}.png`);
        await sharp(data, { raw: { width, height, channels: 3 } })
          .png()
          .toFile(still);
        const input = ['-loop', '1', '-framerate', `${rate}`, '-i', still, '-t', `${seconds}`];
        await ffmpeg([...input, ...X264, '-preset', preset, path]);
      }),
    );
  }
  const order = Array.from({ length: pieces }, (_, k) => parts[Math.floor(k / repeats) % PAGES] ?? '');
  return made(name, (path) => concatenate(path, order));
}

function drawPage(number: number): Canvas {
  const page = canvas(1920, 1080, [250, 250, 246]);
  words(page, 140, 90, 9, 20, number * 31 + 1, [20, 40, 110]);
  for (let line = 0; line < 7; line++) words(page, 180, 260 + line * 105, 5, 44, number * 100 + line);
  return page;
}

/** Returns the path of `name` in the cache, and creates it with `make` if it is missing. */
async function made(name: string, make: (path: string) => Promise<void>): Promise<string> {
  const path = join(CACHE, name);
  if (existsSync(path)) return path;
  const part = join(CACHE, `part-${name}`);
  await make(part);
  await rename(part, path);
  return path;
}

async function concatenate(path: string, pieces: readonly string[]): Promise<void> {
  const list = `${path}.txt`;
  await writeFile(list, pieces.map((piece) => `file '${piece}'\n`).join(''));
  await ffmpeg(['-f', 'concat', '-safe', '0', '-i', list, '-c', 'copy', path]);
  await rm(list);
}

export async function ffmpeg(args: readonly string[]): Promise<void> {
  const child = spawn('ffmpeg', ['-y', '-nostdin', '-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`ffmpeg failed with ${code}`);
}
