/** Time of frame selection relative to decoding by ffmpeg alone, with the same threads. */
import type { MediaTools } from '../../media/index.ts';
import { median } from '../median.ts';
import { ffmpeg, LECTURE_SLIDES, lecture, motion } from './clips.ts';
import { pickAll } from './pick.ts';

/** Times in turn; medians are reported, because other load on the machine distorts single ones. */
const TURNS = 5;

export async function measureSpeed(tools: MediaTools, which: 'lecture' | 'motion'): Promise<object> {
  const path = await (which === 'lecture' ? lecture() : motion());
  const what = which === 'lecture' ? '60-minute 1080p lecture' : '10-minute clip of motion';
  const decodes: number[] = [];
  const adaptives: number[] = [];
  let frames: Awaited<ReturnType<typeof pickAll>> = [];
  for (let turn = 0; turn < TURNS; turn++) {
    decodes.push((await timed(() => ffmpeg(['-i', path, '-f', 'null', '-']))).seconds);
    const adaptive = await timed(() => pickAll(tools, path, 'adaptive'));
    adaptives.push(adaptive.seconds);
    frames = adaptive.value;
  }
  const ratio = median(adaptives.map((seconds, turn) => seconds / (decodes[turn] ?? Number.NaN)));
  const keys: number[] = [];
  const keyframe: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    keys.push((await timed(() => ffmpeg(['-skip_frame', 'nokey', '-i', path, '-f', 'null', '-']))).seconds);
    keyframe.push((await timed(() => pickAll(tools, path, 'keyframe'))).seconds);
  }
  const [bestKeys, bestKeyframe] = [Math.min(...keys), Math.min(...keyframe)];
  const times = frames.filter((frame) => frame.kept).map(({ time }) => time);
  const kept = times.length;
  console.log(`\n### ${what}\n\n| metric | target | measured |\n|---|---|---|`);
  console.log(`| ffmpeg decodes all | | ${median(decodes).toFixed(1)} s |`);
  console.log(`| adaptive, ${kept} frames kept | | ${median(adaptives).toFixed(1)} s |`);
  console.log(`| adaptive ÷ decoding | ≤ 1.25 | ${ratio.toFixed(2)} |`);
  if (which === 'lecture') {
    const seen = LECTURE_SLIDES.filter((begin) => times.some((time) => time >= begin && time <= begin + 0.5));
    console.log(`| slides kept within 0.5 s | all | ${seen.length} of ${LECTURE_SLIDES.length} |`);
    console.log(`| fewer frames than one a second | ≥ 80% | ${(100 * (1 - kept / 3600)).toFixed(1)}% |`);
  }
  console.log(`| ffmpeg decodes keyframes | | ${bestKeys.toFixed(2)} s |`);
  console.log(`| keyframe ÷ decoding keyframes | ≤ 1.15 | ${(bestKeyframe / bestKeys).toFixed(2)} |`);
  return { decodes, adaptives, ratio, kept, keys, keyframe };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const began = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - began) / 1000 };
}
