import { describe, expect, it } from 'vitest';
import { buildJobView, findFrameAt } from '../../web/state/index.ts';
import { applyEvent, EMPTY_LOG } from '../../web/state/job-log.ts';
import { BEFORE_SEGMENTS, finished, videoEvents, videoJob, videoResult } from './sample-jobs.ts';

describe('the event log', () => {
  it('is not changed by repeated events', () => {
    const events = videoEvents();
    const once = events.reduce(applyEvent, EMPTY_LOG);
    const again = [...events.slice(0, 7), ...events.slice(3, 9), ...events].reduce(applyEvent, EMPTY_LOG);
    expect(again).toEqual(once);
    expect(once.hasEnded).toBe(true);
  });

  it('sorts frames by the order of the source, not of completion', () => {
    const events = videoEvents().slice(BEFORE_SEGMENTS, BEFORE_SEGMENTS + 3);
    const shuffled = [events[2], events[0], events[1]]
      .filter((event) => event !== undefined)
      .map((event, id) => ({ ...event, id }));
    const view = buildJobView(videoJob(), shuffled.reduce(applyEvent, EMPTY_LOG));
    expect(view.frames.map((frame) => frame.time)).toEqual([0, 6, 12, 18, 24, 30]);
  });

  it('has the same segments and frames as the result', () => {
    const log = videoEvents().reduce(applyEvent, EMPTY_LOG);
    const followed = buildJobView(videoJob(), log);
    const stored = buildJobView(finished(videoJob(), videoResult()), EMPTY_LOG);
    expect(followed.segments).toEqual(stored.segments);
    expect(followed.duration).toBe(stored.duration);
  });
});

describe('findFrameAt', () => {
  it('finds the frame visible at a time', () => {
    const { frames } = buildJobView(finished(videoJob(), videoResult()), EMPTY_LOG);
    expect([0, 5.9, 6, 500].map((time) => findFrameAt(frames, time)?.index)).toEqual([0, 0, 1, 11]);
    expect(findFrameAt([], 3)).toBeUndefined();
  });
});
