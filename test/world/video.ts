/** Drawn videos with their truth: what is shown from which frame to which. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { draw, type Size } from './draw.ts';
import { drawFrameIndex } from './frame-index.ts';
import { pick, type Random, seededRandom } from './random.ts';
import { caption, type Spec, sampleSequence } from './spec.ts';
import { toYuv420, type Yuv420 } from './yuv.ts';

export interface VideoOptions extends Partial<Size> {
  readonly seed: number;
  /** Default 60. */
  readonly seconds?: number;
  /** How many pictures follow each other; default one for each 6 seconds. */
  readonly shots?: number;
}

/** One picture of the video, shown for frames and seconds [start, end). */
export interface Shot {
  readonly start_frame: number;
  readonly end_frame: number;
  readonly start_time: number;
  readonly end_time: number;
  /** Whether the objects move. */
  readonly moving: boolean;
  readonly caption: string;
  readonly spec: Spec;
}

export interface VideoTruth extends Size {
  readonly fps: number;
  readonly frames: number;
  readonly duration: number;
  readonly shots: readonly Shot[];
}

const FPS = 25;
const SHORTEST_SHOT = 2;
/** Moving objects take a step every so many frames: drawing is the slow part. */
const FRAMES_PER_STEP = 5;

/**
 * Writes an H.264 video (yuv420p, 25 frames a second, B-frames, index at the front) and returns what it
 * shows. Each frame carries its number, see frame-index.ts. Throws RangeError where the shots do not fit into
 * the time, and Error where ffmpeg fails.
 */
export async function makeVideo(path: string, options: VideoOptions): Promise<VideoTruth> {
  const { seed, seconds = 60, width = 1280, height = 720 } = options;
  const random = seededRandom(seed);
  const count = options.shots ?? Math.max(1, Math.round(seconds / 6));
  const frames = Math.round(seconds * FPS);
  const lengths = shotLengths(random, count, frames);
  let start = 0;
  const shots = sampleSequence(random, count, 0.45).map((spec, index): Shot => {
    const end = start + (lengths[index] ?? 0);
    const moving = spec.kind === 'scene' && random() < 0.5;
    const shot = {
      start_frame: start,
      end_frame: end,
      start_time: start / FPS,
      end_time: end / FPS,
      moving,
      caption: caption(spec),
      spec,
    };
    start = end;
    return shot;
  });
  await encode(path, { width, height }, drawFrames(shots, { width, height }, random));
  return { width, height, fps: FPS, frames, duration: frames / FPS, shots };
}

/** Frames of each shot: two seconds each, and the rest by lot, so that some are long. */
function shotLengths(random: Random, count: number, frames: number): number[] {
  const spare = frames - count * SHORTEST_SHOT * FPS;
  if (spare < 0) throw new RangeError(`${count} shots need ${count * SHORTEST_SHOT} seconds at least`);
  const weights = Array.from({ length: count }, () => pick(random, [1, 1, 2, 4]) * (0.5 + random()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let passed = 0;
  return weights.map((weight) => {
    const from = Math.round((spare * passed) / total);
    passed += weight;
    return SHORTEST_SHOT * FPS + Math.round((spare * passed) / total) - from;
  });
}

/** The same object is changed and yielded again for as long as the picture stays. */
function* drawFrames(shots: readonly Shot[], size: Size, random: Random): Generator<Yuv420> {
  for (const { spec, moving, start_frame, end_frame } of shots) {
    const seed = Math.floor(random() * 2 ** 32);
    let picture: Yuv420 | undefined;
    for (let frame = start_frame; frame < end_frame; frame++) {
      const step = frame - start_frame;
      if (picture === undefined || (moving && step % FRAMES_PER_STEP === 0)) {
        const motion = moving ? step / (end_frame - start_frame) : 0.5;
        const { canvas } = draw(spec, seededRandom(seed), size, motion);
        picture = toYuv420(canvas.data(), size.width, size.height);
      }
      drawFrameIndex(picture, frame);
      yield picture;
    }
  }
}

async function encode(path: string, { width, height }: Size, frames: Iterable<Yuv420>): Promise<void> {
  const input = `-f rawvideo -pixel_format yuv420p -video_size ${width}x${height} -framerate ${FPS} -i pipe:0`;
  const colour = '-colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv';
  const codec = '-c:v libx264 -preset veryfast -crf 20 -bf 3 -g 250';
  const output = '-fflags +bitexact -flags:v +bitexact -movflags +faststart -f mp4 -y';
  const args = ['-v', 'error', ...`${input} ${colour} ${codec} ${output}`.split(' '), path];
  const ffmpeg = spawn('ffmpeg', args, { stdio: ['pipe', 'ignore', 'pipe'] });
  const closed = once(ffmpeg, 'close');
  let complaint = '';
  ffmpeg.stderr.on('data', (text: Buffer) => {
    complaint += text.toString();
  });
  const fed = pipeline(function* () {
    for (const { data } of frames) yield Buffer.from(data);
  }, ffmpeg.stdin);
  const [[code], feeding] = await Promise.all([closed, fed.catch((cause: unknown) => cause)]);
  if (code !== 0) throw new Error(`ffmpeg failed: ${complaint}`, { cause: feeding });
}
