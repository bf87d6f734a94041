import { describe, expect, it } from 'vitest';
import { findEvidenceFrame, groupEvidence, toSegmentView } from '../../web/state/index.ts';
import { deckResult, videoResult } from './sample-jobs.ts';

const video = videoResult().segments.map(toSegmentView);
const deck = deckResult().segments.map(toSegmentView);

describe('groupEvidence', () => {
  it('merges adjacent segments only, in the order of the source', () => {
    expect(groupEvidence(video, [5, 0, 1])).toEqual([
      { label: '0:00–0:24', segments: [0, 1] },
      { label: '1:00–1:12', segments: [5] },
    ]);
  });

  it('merges adjacent slides', () => {
    expect(groupEvidence(deck, [0, 1, 3])).toEqual([
      { label: '1–4', segments: [0, 1] },
      { label: '7–8', segments: [3] },
    ]);
  });

  it('skips missing segments', () => {
    expect(groupEvidence(video, [17])).toEqual([]);
  });
});

describe('findEvidenceFrame', () => {
  it('finds the frame whose caption matches a sentence', () => {
    expect(findEvidenceFrame(video, [3, 4, 5], 'A yellow car drives under the white moon.')?.index).toBe(9);
    expect(findEvidenceFrame(video, [0, 1], 'There is a large green star, alone.')?.index).toBe(3);
  });

  it('returns the first frame of equal ones, and undefined without frames', () => {
    expect(findEvidenceFrame(video, [1, 2], 'Etwas ganz anderes.')?.index).toBe(2);
    expect(findEvidenceFrame(video, [], 'A yellow car.')).toBeUndefined();
  });
});
