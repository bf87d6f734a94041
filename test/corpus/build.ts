/**
 * Builds the files of the corpus, each once: they are kept outside the repository, each in a folder named by
 * what it is made from (its recipe, the scripts that draw and encode, ffmpeg's version), and found again by
 * the next run.
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { drawFrame, HEIGHT, WIDTH } from './drawing.ts';

/** One file: drawn frames, encoded by ffmpeg, perhaps changed afterwards. */
export interface Recipe {
  /** Name of the file; the container follows from its end. */
  readonly name: string;
  /** Drawn frames; default 75, numbered from 0. With 0 nothing is drawn. */
  readonly frames?: number;
  /** Rate at which they are drawn. Default 25. */
  readonly rate?: string;
  /** ffmpeg's arguments before the output, further inputs first; the drawn frames are input 0. */
  readonly args: readonly string[];
  /** ffmpeg's encoders that it takes. */
  readonly encoders?: readonly string[];
  /** Changes the file at `path`. */
  readonly after?: (path: string) => Promise<void>;
}

const run = promisify(execFile);
const FFMPEG = process.env.FFMPEG_PATH ?? 'ffmpeg';
const GENERAL = ['-y', '-hide_banner', '-loglevel', 'error', '-nostdin'] as const;

/** The path of the file, built where it is not there yet. */
export async function corpusFile(recipe: Recipe): Promise<string> {
  const path = join(await cacheFolder(recipe), recipe.name);
  if (await exists(path)) return path;
  const draft = join(dirname(path), `${randomUUID()}${extname(path)}`); // two test files may build it at once
  try {
    await encode(draft, recipe);
    await recipe.after?.(draft);
    await rename(draft, path);
  } finally {
    await rm(draft, { force: true });
  }
  return path;
}

/** Why the file cannot be built here; undefined where it can. */
export async function missingEncoder({ encoders = [] }: Recipe): Promise<string | undefined> {
  const { stdout } = await run(FFMPEG, ['-hide_banner', '-encoders']);
  const missing = encoders.filter((name) => !new RegExp(`^ [VAS]\\S+ ${name} `, 'm').test(stdout));
  return missing.length === 0 ? undefined : `this ffmpeg has no encoder ${missing.join(', ')}`;
}

async function encode(path: string, { frames = 75, rate = '25', args }: Recipe): Promise<void> {
  const drawn = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-s',
    `${WIDTH}x${HEIGHT}`,
    '-r',
    rate,
    '-i',
    'pipe:0',
  ];
  const child = spawn(FFMPEG, [...GENERAL, ...(frames > 0 ? drawn : []), ...args, `file:${path}`], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  child.stdin.on('error', () => undefined); // told by the exit code
  const closed = once(child, 'close');
  for (let number = 0; number < frames && child.exitCode === null; number++) {
    if (!child.stdin.write(drawFrame(number))) await Promise.race([once(child.stdin, 'drain'), closed]);
  }
  child.stdin.end();
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg failed on ${path}: ${complaint}`);
}

async function cacheFolder({ after, ...recipe }: Recipe): Promise<string> {
  const hash = createHash('sha256').update((await run(FFMPEG, ['-version'])).stdout);
  for (const script of ['build.ts', 'drawing.ts', 'encoding.ts']) {
    hash.update(await readFile(new URL(script, import.meta.url)));
  }
  hash.update(JSON.stringify(recipe)).update(String(after));
  const path = join(tmpdir(), 'frameloom-corpus', hash.digest('hex').slice(0, 16));
  await mkdir(path, { recursive: true });
  return path;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
