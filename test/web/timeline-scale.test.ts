import { describe, expect, it } from 'vitest';
import { axisTimes, filmStrip } from '../../web/job/timeline-scale.ts';
import { viewOf } from '../../web/state/index.ts';
import { EMPTY_LOG } from '../../web/state/job-log.ts';
import { finished, videoJob, videoResult } from './sample-jobs.ts';

const { segments } = viewOf(finished(videoJob(), videoResult()), EMPTY_LOG);

describe('axisTimes', () => {
  it('labels round times that are far enough apart, clear of the end', () => {
    expect(axisTimes(72, 900, 64)).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(axisTimes(72, 300, 64)).toEqual([0, 30, 60]);
    expect(axisTimes(36_000, 900, 80)).toEqual([
      0, 3600, 7200, 10_800, 14_400, 18_000, 21_600, 25_200, 28_800, 32_400,
    ]);
  });

  it('labels nothing while the length is not known', () => {
    expect(axisTimes(0, 900, 64)).toEqual([]);
  });
});

describe('filmStrip', () => {
  it('shows in each stretch what is on screen in its middle', () => {
    expect(filmStrip(segments, 72, 6).map(({ frame }) => frame?.time)).toEqual([6, 18, 30, 42, 54, 66]);
  });

  it('lets the last frame stand where repeated ones were dropped', () => {
    expect(
      filmStrip(segments, 72, 24)
        .map(({ frame }) => frame?.time)
        .slice(0, 5),
    ).toEqual([0, 0, 6, 6, 12]);
  });

  it('shows nothing for stretches that are not described yet', () => {
    const strip = filmStrip(segments.slice(0, 2), 72, 6);
    expect(strip.map(({ frame }) => frame?.time)).toEqual([
      6,
      18,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
