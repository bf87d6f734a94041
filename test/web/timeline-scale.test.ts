import { describe, expect, it } from 'vitest';
import { axisLabelTimes, sampleFilmStrip } from '../../web/job/timeline-scale.ts';
import { buildJobView } from '../../web/state/index.ts';
import { EMPTY_LOG } from '../../web/state/job-log.ts';
import { finished, videoJob, videoResult } from './sample-jobs.ts';

const { segments } = buildJobView(finished(videoJob(), videoResult()), EMPTY_LOG);

describe('axisLabelTimes', () => {
  it('returns round times with a minimum gap between them and before the end', () => {
    expect(axisLabelTimes(72, 900, 64)).toEqual([0, 10, 20, 30, 40, 50, 60]);
    expect(axisLabelTimes(72, 300, 64)).toEqual([0, 30, 60]);
    expect(axisLabelTimes(36_000, 900, 80)).toEqual([
      0, 3600, 7200, 10_800, 14_400, 18_000, 21_600, 25_200, 28_800, 32_400,
    ]);
  });

  it('returns nothing while the duration is unknown', () => {
    expect(axisLabelTimes(0, 900, 64)).toEqual([]);
  });
});

describe('sampleFilmStrip', () => {
  it('shows the frame visible in the middle of each part', () => {
    expect(sampleFilmStrip(segments, 72, 6).map(({ frame }) => frame?.time)).toEqual([6, 18, 30, 42, 54, 66]);
  });

  it('repeats the last frame where duplicates were dropped', () => {
    expect(
      sampleFilmStrip(segments, 72, 24)
        .map(({ frame }) => frame?.time)
        .slice(0, 5),
    ).toEqual([0, 0, 6, 6, 12]);
  });

  it('shows nothing for parts that are not described yet', () => {
    const strip = sampleFilmStrip(segments.slice(0, 2), 72, 6);
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
