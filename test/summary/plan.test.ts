import { describe, expect, it } from 'vitest';
import { SummaryRequest, type SummaryRequestInput } from '../../schema/request.ts';
import type { SourceInfo } from '../../schema/source.ts';
import { type BudgetedFrame, mergeGroups, planSegments, planSpans } from '../../summary/plan.ts';

const FILE = 'file_aaaaaaaaaaaaaaaaaaaaaaaaaa';
const video = (duration: number): SourceInfo => ({
  type: 'video',
  sha256: 'a'.repeat(64),
  bytes: 1,
  duration,
  startOffset: 0,
  width: 1280,
  height: 720,
  coding: { turn: 0, mirrored: false, range: 'sdr', interlaced: false },
  frameRate: { kind: 'constant', average: 25 },
  tracks: [],
  videoTrack: 0,
});
const request = (more: Partial<SummaryRequestInput> = {}): SummaryRequest =>
  SummaryRequest.parse({ source: { type: 'video', file_id: FILE }, ...more });

describe('spans of a video', () => {
  it.each([1, 59.9, 120, 120.5, 601, 43_200])('cover %d s without holes or overlap', (duration) => {
    const spans = planSpans(video(duration), request(), []);
    const edges = spans.flatMap((span) => (span.kind === 'video' ? [span.start, span.end] : []));
    expect(edges[0]).toBe(0);
    expect(edges.at(-1)).toBe(duration);
    for (let index = 1; index + 1 < edges.length; index += 2) expect(edges[index]).toBe(edges[index + 1]);
    expect(spans.every((span) => span.kind === 'video' && span.end - span.start <= 120.001)).toBe(true);
  });

  it('are the windows of one sampler, so that it does not matter where they are cut', () => {
    const spans = planSpans(video(300), request(), []);
    const sampler = { mode: 'adaptive', windows: { origin: 0, end: 300, seconds: 120 } };
    expect(spans).toEqual([
      { kind: 'video', start: 0, end: 120, sampler },
      { kind: 'video', start: 120, end: 240, sampler },
      { kind: 'video', start: 240, end: 300, sampler },
    ]);
  });

  it('keep the first picture of every chunk when chunks are asked for', () => {
    const spans = planSpans(video(90), request({ chunk_duration: 30 }), []);
    expect(spans).toHaveLength(3);
    for (const span of spans) if (span.kind === 'video') expect(span.sampler.windows.origin).toBe(span.start);
  });

  it('sample no more often than max_frames allows', () => {
    const spans = planSpans(video(3600), request({ sampling: { mode: 'fps', fps: 2, max_frames: 100 } }), []);
    expect(spans[0]).toMatchObject({ sampler: { mode: 'grid', origin: 0, interval: 36 } });
  });

  it('spread a count evenly over the requested range', () => {
    const spans = planSpans(
      video(100),
      request({ start_time: 20, end_time: 60, sampling: { mode: 'count', max_frames: 8 } }),
      [],
    );
    expect(spans).toMatchObject([{ start: 20, end: 60, sampler: { origin: 20, interval: 5 } }]);
  });

  it('never hold more than 200 sampling points', () => {
    const spans = planSpans(
      video(60),
      request({ sampling: { mode: 'fps', fps: 30, max_frames: 10_000 } }),
      [],
    );
    for (const span of spans) {
      if (span.kind === 'video' && span.sampler.mode === 'grid')
        expect((span.end - span.start) / span.sampler.interval).toBeLessThanOrEqual(200.001);
    }
  });
});

describe('spans of a deck', () => {
  it('hold every requested slide once, in order', () => {
    const slides = Array.from({ length: 45 }, (_, index) => index + 1);
    const spans = planSpans({ type: 'deck', sha256: 'a'.repeat(64), bytes: 1, pages: 45 }, request(), slides);
    expect(spans.flatMap((span) => (span.kind === 'slides' ? span.slides : []))).toEqual(slides);
  });
});

describe('segments', () => {
  const frames = (count: number, imageTokens = 313): readonly BudgetedFrame[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `frames/${index}`,
      width: 1,
      height: 1,
      time: index * 10,
      imageTokens,
    }));
  const budget = { maxImages: 6, maxTokens: 4096, promptTokens: 100, tokensPerImage: 76 };
  const lengths = (list: readonly { first: number; last: number }[]): readonly number[] =>
    list.map(({ first, last }) => last - first);

  it('are as few as the budget allows, and even', () => {
    expect(lengths(planSegments(frames(13), budget))).toEqual([4, 4, 5]);
    expect(lengths(planSegments(frames(6), budget))).toEqual([6]);
    expect(lengths(planSegments(frames(7), budget))).toEqual([3, 4]);
  });

  it('cover every frame once, in order', () => {
    const segments = planSegments(frames(101), budget);
    expect(segments[0]?.first).toBe(0);
    expect(segments.at(-1)?.last).toBe(101);
    for (const [index, segment] of segments.entries())
      expect(segment.first).toBe(segments[index - 1]?.last ?? 0);
  });

  it('of Phi-3.5-vision hold five pictures of four crops and eleven of one below the 4096 tokens of its short rope table', () => {
    const phi = { maxTokens: 4096, promptTokens: 64, tokensPerImage: 32 + 12 };
    expect(lengths(planSegments(frames(10, 757), { ...phi, maxImages: 5 }))).toEqual([5, 5]);
    expect(lengths(planSegments(frames(22, 313), { ...phi, maxImages: 12 }))).toEqual([11, 11]);
  });

  it('let a picture that is over the budget stand alone', () => {
    expect(lengths(planSegments(frames(2, 5000), budget))).toEqual([1, 1]);
  });

  it('never reach over a chunk boundary', () => {
    const segments = planSegments(frames(10), budget, { origin: 0, seconds: 30 });
    expect(segments.map(({ first }) => first * 10)).toEqual([0, 30, 60, 90]);
  });
});

describe('groups for merging', () => {
  const items = (...lines: readonly number[]) => lines.map((own) => ({ lines: own }));

  it('are cut where something new begins, not in the middle of what goes on', () => {
    const scenes = [{ lines: 2 }, { lines: 2 }, { lines: 2, continues: true }, { lines: 2 }];
    expect(mergeGroups(scenes, 4)).toEqual([
      { first: 0, last: 1 },
      { first: 1, last: 3 },
      { first: 3, last: 4 },
    ]);
  });

  it('never hold more lines than allowed, whatever continues', () => {
    const scenes = Array.from({ length: 20 }, (_, index) => ({
      lines: 1 + (index % 3),
      continues: index % 4 !== 0,
    }));
    const groups = mergeGroups(scenes, 4);
    expect(groups.map(({ first }) => first).slice(1)).toEqual(groups.map(({ last }) => last).slice(0, -1));
    for (const { first, last } of groups) {
      expect(scenes.slice(first, last).reduce((sum, { lines }) => sum + lines, 0)).toBeLessThanOrEqual(4);
    }
  });

  it('are as few as allowed, and even', () => {
    expect(mergeGroups(items(1, 1, 1, 1, 1, 1, 1), 6)).toEqual([
      { first: 0, last: 4 },
      { first: 4, last: 7 },
    ]);
  });

  it('count what each item brings', () => {
    expect(mergeGroups(items(4, 4, 1, 1), 6)).toEqual([
      { first: 0, last: 1 },
      { first: 1, last: 4 },
    ]);
  });

  it('come to one group in the end, whatever the number', () => {
    for (let count = 1; count < 400; count += 1) {
      let level = count;
      let rounds = 0;
      while (level > 1) {
        const next = mergeGroups(
          Array.from({ length: level }, () => ({ lines: 1 })),
          2,
        ).length;
        expect(next).toBeLessThan(level);
        level = next;
        rounds += 1;
      }
      expect(rounds).toBeLessThanOrEqual(Math.ceil(Math.log2(count)));
    }
  });
});
