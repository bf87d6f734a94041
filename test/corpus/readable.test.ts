/**
 * Whatever people have is read: each file of the codec matrix comes through ingestion and extraction upright,
 * in its colours, with every picture at its own time. Which frame a picture is, the picture says itself.
 */
import { afterAll, beforeAll, describe, expect, it, type TestContext, vi } from 'vitest';
import { corpusFile, missingEncoder } from './build.ts';
import { READABLE, type ReadableFile } from './codecs.ts';
import { HEIGHT, readCorners, readNumber, UPRIGHT, WIDTH } from './drawing.ts';
import { createPipeline, type Extracted, type KeptFrame, type Pipeline } from './pipeline.ts';
import { TIMED } from './timing.ts';

/** Largest error that a container's own clock makes, in seconds: Matroska and FLV count milliseconds. */
const CLOCK = 0.001;
const INTERVAL = 0.5;
const AT_INTERVAL = { sampling: { mode: 'fps', fps: 1 / INTERVAL } } as const;
vi.setConfig({ testTimeout: 120_000 }); // drawing and encoding, on machines that do other things as well

let pipeline: Pipeline;

beforeAll(async () => {
  pipeline = await createPipeline();
});
afterAll(() => pipeline[Symbol.asyncDispose]());

describe('the codec matrix', () => {
  it.for(READABLE)('$name ($what): upright, each picture at its time', async (file, context) => {
    const path = await built(file, context);
    expectTruth(await pipeline.extract(path, AT_INTERVAL), file, 0);
  });
});

describe('the timing clips', () => {
  it.for(TIMED)('$name ($what): times count from the first shown frame', async (file, context) => {
    const path = await built(file, context);
    const whole = await pipeline.extract(path, AT_INTERVAL);
    expectTruth(whole, file, 0);
    const { frameRate, startOffset, duration } = whole.source;
    expect(frameRate.kind).toBe(file.kind);
    expect(startOffset).toBeCloseTo(file.offset, 3);
    const last = file.truth((file.frames ?? 75) - 1);
    expect(duration).toBeGreaterThan(last);
    expect(duration).toBeLessThan(last + 0.2);
  });

  it.for(TIMED)(
    '$name: spans that are read apart, at once, give what the truth asks',
    async (file, context) => {
      const path = await built(file, context);
      expectTruth(await pipeline.extract(path, { ...AT_INTERVAL, chunk_duration: 1 }), file, 0, {
        chunks: [0, 1, 2, 3, 4],
      });
    },
  );

  it.for(TIMED)('$name: so does a span from the middle', async (file, context) => {
    const path = await built(file, context);
    const part = { start_time: 1.1, end_time: 1.9 };
    expectTruth(await pipeline.extract(path, { ...AT_INTERVAL, ...part }), file, 1.1, { end: 1.9 });
  });
});

describe.each(['adaptive', 'scene', 'keyframe'] as const)('by mode %s', (mode) => {
  const sampling = { sampling: { mode } };

  it.for(mode === 'adaptive' ? [...READABLE, ...TIMED] : TIMED)(
    '$name ($what): every picture upright, at its time',
    async (file, context) => {
      const { frames } = await pipeline.extract(await built(file, context), sampling);
      // An edit list may hide the keyframe at the beginning.
      if (mode !== 'keyframe' || file.shown === undefined) expect(frames[0]?.time).toBe(0);
      // The drawing never comes to rest: by adaptive more than its beginning is seen. Not every encoder sets
      // a second keyframe.
      expect(frames.length).toBeGreaterThanOrEqual(mode === 'adaptive' ? 2 : 1);
      expectTrueTimes(frames, file);
    },
  );

  // `scene` reads spans as `adaptive` does.
  it.for(mode === 'scene' ? [] : TIMED)(
    '$name: so is each of a part whose spans are read apart',
    async (file, context) => {
      const part = { start_time: 0.9, end_time: 2.9, chunk_duration: 1 };
      const { frames } = await pipeline.extract(await built(file, context), { ...sampling, ...part });
      if (mode !== 'keyframe') expect(frames.length).toBeGreaterThanOrEqual(1); // the first of a chunk
      expectTrueTimes(frames, file, [0.9, 1.9]);
      for (const { time } of frames) expect(time).toBeGreaterThanOrEqual(0.9 - CLOCK);
      for (const { time } of frames) expect(time).toBeLessThan(2.9);
    },
  );
});

/** The path of the file; skips, with the reason, where this machine's ffmpeg cannot make it. */
async function built(file: ReadableFile, { skip }: TestContext): Promise<string> {
  const missing = await missingEncoder(file);
  if (missing !== undefined) skip(missing);
  return corpusFile(file);
}

/**
 * Each kept picture is the first that begins in an interval of the grid from `start`, or the displayed one
 * where none begins, and stands where the drawing says. A chunk shows from its start what is displayed then.
 */
function expectTruth(
  { source, frames }: Extracted,
  file: ReadableFile,
  start: number,
  { end = source.duration, chunks = [start] }: { end?: number; chunks?: readonly number[] } = {},
): void {
  const { frames: drawn = 75, truth, shown = () => true } = file;
  const numbers = Array.from({ length: drawn }, (_, number) => number).filter(shown);
  const isBefore = (time: number) => (number: number) => truth(number) < time - CLOCK;
  const expected: number[] = [];
  for (let point = start; point < end - CLOCK; point += INTERVAL) {
    const first = numbers.find((number) => !isBefore(point)(number));
    const displayed = numbers.findLast(isBefore(point));
    if (first !== undefined && isBefore(Math.min(end, point + INTERVAL))(first)) expected.push(first);
    else if (displayed !== undefined) {
      const next = numbers.find((number) => number > displayed);
      const stays = (next === undefined ? source.duration : truth(next)) - truth(displayed) > 0.2;
      if (stays && (displayed !== expected.at(-1) || chunks.includes(point))) expected.push(displayed);
    }
  }
  expect(frames.map(({ picture }) => readNumber(picture))).toEqual(expected);
  expectTrueTimes(frames, file, chunks);
  for (const { time } of frames) {
    expect(time).toBeGreaterThanOrEqual(0);
    expect(time).toBeLessThan(source.duration);
  }
}

/**
 * Each picture is one that is to be shown, at the time at which it is, or at the beginning of the chunk in
 * which it is still displayed; they come in order, upright and of their size.
 */
function expectTrueTimes(
  frames: readonly KeptFrame[],
  { truth, shown = () => true }: Pick<ReadableFile, 'truth' | 'shown'>,
  chunks: readonly number[] = [],
): void {
  for (const { time, picture } of frames) {
    const number = readNumber(picture) ?? -1;
    expect(number >= 0 && shown(number)).toBe(true);
    const stays = chunks.includes(time) && truth(number) < time && truth(number + 1) > time;
    expect(stays ? 0 : Math.abs(time - truth(number))).toBeLessThanOrEqual(CLOCK);
    expect(readCorners(picture)).toEqual(UPRIGHT);
    expect([picture.width, picture.height]).toEqual([WIDTH, HEIGHT]);
  }
  const times = frames.map(({ time }) => time);
  expect(times).toEqual(times.toSorted((first, second) => first - second));
}
