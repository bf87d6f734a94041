/** The command line on every file of the corpus, with the whole system and default settings. */

import sharp from 'sharp';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { SummaryResult } from '../../schema/result.ts';
import { runFrameloom } from '../cli/run-frameloom.ts';
import { corpusFile, missingEncoder } from '../corpus/build.ts';
import { READABLE } from '../corpus/codecs.ts';
import { readCorners, readNumber, UPRIGHT } from '../corpus/drawing.ts';
import { REFUSED } from '../corpus/refused.ts';
import { TIMED } from '../corpus/timing.ts';
import { startSystem, type TestSystem } from './system.ts';

const READ = [...READABLE, ...TIMED];
const REJECTED = REFUSED.filter(({ name }) => ['playlist.mp4', 'no-end.mkv', 'sound.mkv'].includes(name));
/** Largest error of a container's clock. */
const CLOCK_ERROR_SECONDS = 0.001;
let system: TestSystem;

beforeAll(async () => {
  system = await startSystem();
});
afterAll(() => system?.[Symbol.asyncDispose]());

/** Concurrent, because most of the time of a run is the start of its command. */
describe.concurrent('frameloom summarize', () => {
  it.for(READ)('$name ($what): every frame at its time, upright', async (file, { skip, expect }) => {
    const missing = await missingEncoder(file);
    if (missing !== undefined) skip(missing);
    const path = await corpusFile(file);
    const { code, stdout, stderr } = await summarize([path, '--json']);
    expect(code, stderr).toBe(0);
    const result = SummaryResult.parse(JSON.parse(stdout));
    const frames = result.segments.flatMap((segment) => segment.frames);
    expect(frames.length).toBeGreaterThanOrEqual(2);
    for (const { image = '', time = -1 } of frames) {
      const jpeg = await (await fetch(new URL(image, system.url))).arrayBuffer();
      const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
      const frameImage = { data, width: info.width, height: info.height };
      expect(readCorners(frameImage)).toEqual(UPRIGHT);
      expect(Math.abs(time - file.truth(readNumber(frameImage) ?? -1))).toBeLessThanOrEqual(
        CLOCK_ERROR_SECONDS,
      );
      expect(time).toBeLessThan(result.source.duration ?? 0);
    }
    const edges = result.chapters.flatMap(({ start_time = -1, end_time = -1 }) => [start_time, end_time]);
    expect(edges).toEqual(edges.toSorted((first, second) => first - second));
    if ('offset' in file) expect(result.source.start_offset).toBeCloseTo(Number(file.offset), 3);
  });

  it.for(REJECTED)(
    '$name ($what): is rejected with its reason and exit code 1',
    async (file, { skip, expect }) => {
      const missing = await missingEncoder(file);
      if (missing !== undefined) skip(missing);
      const path = await corpusFile(file);
      const { code, stdout, stderr } = await summarize([path]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(file.says);
      expect(stderr).not.toMatch(/ at .*\.[jt]s:\d+/);
    },
  );
});

function summarize(args: readonly string[]): ReturnType<typeof runFrameloom> {
  return runFrameloom(['summarize', ...args], { FRAMELOOM_URL: system.url });
}
