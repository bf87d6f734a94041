import { describe, expect, it } from 'vitest';
import { evidenceFrame, evidencePlaces, segmentOf } from '../../web/state/index.ts';
import { deckResult, videoResult } from './sample-jobs.ts';

const video = videoResult().segments.map(segmentOf);
const deck = deckResult().segments.map(segmentOf);

describe('evidencePlaces', () => {
  it('joins neighbouring segments and keeps others apart, in the order of the source', () => {
    expect(evidencePlaces(video, [5, 0, 1])).toEqual([
      { label: '0:00–0:24', segments: [0, 1] },
      { label: '1:00–1:12', segments: [5] },
    ]);
  });

  it('does the same for slides', () => {
    expect(evidencePlaces(deck, [0, 1, 3])).toEqual([
      { label: '1–4', segments: [0, 1] },
      { label: '7–8', segments: [3] },
    ]);
  });

  it('leaves out segments that are not there', () => {
    expect(evidencePlaces(video, [17])).toEqual([]);
  });
});

describe('evidenceFrame', () => {
  it('finds the frame that shows what a sentence says', () => {
    expect(evidenceFrame(video, [3, 4, 5], 'A yellow car drives under the white moon.')?.index).toBe(9);
    expect(evidenceFrame(video, [0, 1], 'There is a large green star, alone.')?.index).toBe(3);
  });

  it('takes the first frame where none says more than another, and none where there is none', () => {
    expect(evidenceFrame(video, [1, 2], 'Etwas ganz anderes.')?.index).toBe(2);
    expect(evidenceFrame(video, [], 'A yellow car.')).toBeUndefined();
  });
});
