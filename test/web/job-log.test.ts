import { describe, expect, it } from 'vitest';
import { frameAt, viewOf } from '../../web/state/index.ts';
import { applyEvent, EMPTY_LOG } from '../../web/state/job-log.ts';
import { BEFORE_SEGMENTS, finished, videoEvents, videoJob, videoResult } from './sample-jobs.ts';

describe('the event log', () => {
  it('is the same however often its parts are read again', () => {
    const events = videoEvents();
    const once = events.reduce(applyEvent, EMPTY_LOG);
    const again = [...events.slice(0, 7), ...events.slice(3, 9), ...events].reduce(applyEvent, EMPTY_LOG);
    expect(again).toEqual(once);
    expect(once.ended).toBe(true);
  });

  it('gives the frames of finished segments in the order of the source, whatever finished first', () => {
    const events = videoEvents().slice(BEFORE_SEGMENTS, BEFORE_SEGMENTS + 3);
    const shuffled = [events[2], events[0], events[1]]
      .filter((event) => event !== undefined)
      .map((event, id) => ({ ...event, id }));
    const view = viewOf(videoJob(), shuffled.reduce(applyEvent, EMPTY_LOG));
    expect(view.frames.map((frame) => frame.time)).toEqual([0, 6, 12, 18, 24, 30]);
  });

  it('agrees with the stored result on segments and frames', () => {
    const log = videoEvents().reduce(applyEvent, EMPTY_LOG);
    const followed = viewOf(videoJob(), log);
    const stored = viewOf(finished(videoJob(), videoResult()), EMPTY_LOG);
    expect(followed.segments).toEqual(stored.segments);
    expect(followed.duration).toBe(stored.duration);
  });
});

describe('frameAt', () => {
  it('finds the frame that is on screen', () => {
    const { frames } = viewOf(finished(videoJob(), videoResult()), EMPTY_LOG);
    expect([0, 5.9, 6, 500].map((time) => frameAt(frames, time)?.index)).toEqual([0, 0, 1, 11]);
    expect(frameAt([], 3)).toBeUndefined();
  });
});
