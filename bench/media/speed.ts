/** Time of frame selection relative to decoding by ffmpeg alone, with the same threads. */
import type { MediaTools } from '../../media/index.ts';
import { ffmpeg, LECTURE_SLIDES, lecture, motion } from './clips.ts';
import { pickAll } from './pick.ts';

export async function measureSpeed(tools: MediaTools, which: 'lecture' | 'motion'): Promise<object> {
  const path = await (which === 'lecture' ? lecture() : motion());
  const what = which === 'lecture' ? '60-minute 1080p lecture' : '10-minute clip of motion';
  const decode = await timed(() => ffmpeg(['-i', path, '-f', 'null', '-']));
  const adaptive = await timed(() => pickAll(tools, path, 'adaptive'));
  const keys: number[] = [];
  const keyframe: number[] = [];
  for (let turn = 0; turn < 3; turn++) {
    keys.push((await timed(() => ffmpeg(['-skip_frame', 'nokey', '-i', path, '-f', 'null', '-']))).seconds);
    keyframe.push((await timed(() => pickAll(tools, path, 'keyframe'))).seconds);
  }
  const [bestKeys, bestKeyframe] = [Math.min(...keys), Math.min(...keyframe)];
  const times = adaptive.value.filter((frame) => frame.kept).map(({ time }) => time);
  const kept = times.length;
  console.log(`\n### ${what}\n\n| metric | target | measured |\n|---|---|---|`);
  console.log(`| ffmpeg decodes all | | ${decode.seconds.toFixed(1)} s |`);
  console.log(`| adaptive, ${kept} frames kept | | ${adaptive.seconds.toFixed(1)} s |`);
  console.log(`| adaptive ÷ decoding | ≤ 1.25 | ${(adaptive.seconds / decode.seconds).toFixed(2)} |`);
  if (which === 'lecture') {
    const seen = LECTURE_SLIDES.filter((begin) => times.some((time) => time >= begin && time <= begin + 0.5));
    console.log(`| slides kept within 0.5 s | all | ${seen.length} of ${LECTURE_SLIDES.length} |`);
    console.log(`| fewer frames than one a second | ≥ 80% | ${(100 * (1 - kept / 3600)).toFixed(1)}% |`);
  }
  console.log(`| ffmpeg decodes keyframes | | ${bestKeys.toFixed(2)} s |`);
  console.log(`| keyframe ÷ decoding keyframes | ≤ 1.15 | ${(bestKeyframe / bestKeys).toFixed(2)} |`);
  return { decode: decode.seconds, adaptive: adaptive.seconds, kept, keys, keyframe };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number }> {
  const began = performance.now();
  const value = await work();
  return { value, seconds: (performance.now() - began) / 1000 };
}
