/** Hours of drawn images in a small file, with slides at regular distances that differ from everything else. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import { draw } from '../../world/draw.ts';
import { integer, pick, pickSome, type Random, seededRandom } from '../../world/random.ts';
import {
  CHARTS,
  caption,
  FIRST_WORDS,
  LAST_WORDS,
  type Slide,
  type Spec,
  sampleSpec,
} from '../../world/spec.ts';
import { toYuv420 } from '../../world/yuv.ts';

/** A slide that is displayed once, with its time in seconds. */
export interface Marker {
  readonly time: number;
  readonly spec: Slide;
}

/** Frames per second. Each image is static. */
const FPS = 1;
/** Duration of each image. */
const SHOT_SECONDS = 30;
const FRAME_SIZE = { width: 480, height: 270 };
/** Markers are at 2.5 %, 7.5 %, … of the video. */
const MARKER_COUNT = 20;

/**
 * Writes the video to `path`: scenes of 30 s each, and between them the markers, whose titles have no word in common.
 * Returns the markers.
 */
export async function makeLongVideo(
  path: string,
  { hours, seed }: { readonly hours: number; readonly seed: number },
): Promise<readonly Marker[]> {
  const random = seededRandom(seed);
  const shots = Math.round((hours * 3600) / SHOT_SECONDS);
  const markerByShot = new Map<number, number>();
  for (let marker = 0; marker < MARKER_COUNT; marker += 1)
    markerByShot.set(Math.floor(((marker + 0.5) / MARKER_COUNT) * shots), marker);
  const slides = markerSlides(random);
  const specs: Spec[] = [];
  const markers: Marker[] = [];
  for (let shot = 0; shot < shots; shot += 1) {
    const slide = slides[markerByShot.get(shot) ?? -1];
    if (slide) markers.push({ time: shot * SHOT_SECONDS, spec: slide });
    specs.push(slide ?? sceneAfter(specs.at(-1), random));
  }
  await encode(path, frames(specs, random));
  return markers;
}

/** Slides with titles of two words each. No word occurs in two titles. */
function markerSlides(random: Random): readonly Slide[] {
  const last = pickSome(random, LAST_WORDS, MARKER_COUNT);
  return pickSome(random, FIRST_WORDS, MARKER_COUNT).map((first, marker) => ({
    kind: 'slide',
    title: `${first} ${last[marker]}`,
    chart: pick(random, CHARTS),
    bullets: integer(random, 0, 4),
  }));
}

function sceneAfter(last: Spec | undefined, random: Random): Spec {
  for (;;) {
    const spec = sampleSpec(random, 'scene');
    if (last === undefined || caption(spec) !== caption(last)) return spec;
  }
}

function* frames(specs: readonly Spec[], random: Random): Generator<Buffer> {
  const { width, height } = FRAME_SIZE;
  for (const spec of specs) {
    const { canvas } = draw(spec, random, FRAME_SIZE, 0.5);
    const { data } = toYuv420(canvas.data(), width, height);
    for (let frame = 0; frame < SHOT_SECONDS * FPS; frame += 1) yield Buffer.from(data);
  }
}

async function encode(path: string, images: Iterable<Buffer>): Promise<void> {
  const input = `-f rawvideo -pixel_format yuv420p -video_size ${FRAME_SIZE.width}x${FRAME_SIZE.height} -framerate ${FPS} -i pipe:0`;
  const output = '-c:v libx264 -preset ultrafast -crf 20 -g 60 -f mp4 -y';
  const ffmpeg = spawn('ffmpeg', ['-v', 'error', ...`${input} ${output}`.split(' '), path], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const closed = once(ffmpeg, 'close');
  await pipeline(images, ffmpeg.stdin);
  const [code] = await closed;
  if (code !== 0) throw new Error(`ffmpeg ended with code ${code}`);
}
