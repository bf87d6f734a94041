/** Which frames are used when there are more than the request allows. */
import { describe, expect, it } from 'vitest';
import { selectFrames } from '../../summary/budget.ts';

const spend = (scores: readonly number[], most: number): number[] => [
  ...selectFrames(
    scores.map((score) => ({ score })),
    most,
  ),
];

describe('a budget of frames', () => {
  it('keeps all where there are not too many', () => {
    expect(spend([0.1, 0.2, 0.3], 3)).toEqual([0, 1, 2]);
  });

  it('gives up the frames of least score', () => {
    expect(spend([1, 0.1, 0.9, 0.2, 0.8], 3)).toEqual([0, 2, 4]);
  });

  it('adds what a frame was worth to the one after it, so that long motion thins out evenly', () => {
    // 8 samples of 0.1: every other one goes before any that has grown.
    expect(spend([1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1], 6)).toHaveLength(6);
    const kept = spend([1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1], 6);
    const gaps = kept.slice(1).map((index, at) => index - (kept[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3);
  });

  it('spends all of it, down to one frame', () => {
    for (const most of [1, 2, 7, 99]) {
      expect(
        spend(
          Array.from({ length: 100 }, (_, k) => ((k * 37) % 100) / 100),
          most,
        ),
      ).toHaveLength(most);
    }
  });

  it('takes a frame without a score for worth everything', () => {
    expect([...selectFrames([{ score: 0.9 }, {}, { score: 0.8 }], 1)]).toEqual([1]);
  });
});
