/** Files whose frames stay on display for seconds, as recorders, slideshows and filters of duplicates write them. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { findMediaTools, type MediaTools, probeVideo, sampleVideo } from '../../media/index.ts';
import { CASES_ABSENT, CASES_REASON, casePath } from '../support/shared-cases.ts';
import { LIMITS, readBottomNumber } from './clips.ts';

let tools: MediaTools;

beforeAll(async () => {
  tools = await findMediaTools({});
});
beforeEach(({ skip }) => skip(CASES_ABSENT, CASES_REASON));

interface Kept {
  readonly time: number;
  readonly number: number;
}

/** The kept frames with their numbers. */
async function keptOf(name: string, mode: 'adaptive' | 'scene' = 'adaptive'): Promise<readonly Kept[]> {
  const path = casePath(`media/${name}`);
  const video = await probeVideo(tools, path, LIMITS);
  const windows = { origin: 0, end: video.duration, seconds: 120 };
  const span = { start: 0, end: video.duration };
  const kept: Kept[] = [];
  for await (const { time, image } of sampleVideo(tools, {
    path,
    video,
    span,
    sampler: { mode, windows },
    ...LIMITS,
  })) {
    if (image) kept.push({ time, number: readBottomNumber(image) });
  }
  return kept;
}

describe.each(['adaptive', 'scene'] as const)('%s sampling of frames that stay on display', (mode) => {
  it('keeps each picture of a slideshow, one frame each, when it appears', async () => {
    const kept = await keptOf('v16-slideshow.mp4', mode);
    expect(kept).toEqual(Array.from({ length: 10 }, (_, k) => ({ time: 5 * k, number: k + 1 })));
  });

  it('keeps each page that a recorder wrote when it changed', async () => {
    const kept = await keptOf('v16-on-change.mp4', mode);
    expect(kept.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(kept.map(({ time }) => time)).toEqual([0, 7, 19, 23, 54, 60, 71, 85, 90, 104]);
  });

  it.each([
    ['v8-dropped.mp4', 3, 8],
    ['v8b-dropped.mp4', 2, 10],
  ])('keeps each slide of %s whose repeated frames were dropped', async (name, seconds, slides) => {
    const kept = await keptOf(name, mode);
    for (let slide = 1; slide <= slides; slide++) {
      const appears = slide * (5 + seconds) - seconds; // five seconds of film before each
      const found = kept.find(({ number }) => number === 2 * slide);
      expect(found?.time, `slide ${slide}`).toBeCloseTo(appears, 1);
    }
  });

  it('keeps slides that fade in when they have settled, however long no frame follows', async () => {
    const kept = await keptOf('v8c-fades.mp4', mode);
    expect(kept.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
    const settled = [0, 1, 2, 3, 4, 5].map((slide) => (slide === 0 ? 0 : slide * 10.5 + 1 / 30));
    for (const [index, { time }] of kept.entries()) expect(time).toBeCloseTo(settled[index] ?? Number.NaN, 1);
  });

  it('finds a cut between colours of one brightness', async () => {
    const times = (await keptOf('equal-luma-cut.mp4', mode)).map(({ time }) => time);
    expect(times).toEqual(expect.arrayContaining([0, 1, 2]));
  });
});
