import { describe, expect, it } from 'vitest';
import { SummaryResult } from '../../schema/result.ts';
import { stitch } from '../../summary/stitch.ts';
import type { StitchInput } from '../../summary/stitch-input.ts';

const usage = { image_tokens: 313, input_tokens: 400, output_tokens: 20 };
const frame = (time: number) => ({ name: `frames/${time}`, width: 640, height: 360, time });

/** Five pictures in three segments: [0, 12.5), [12.5, 30), [30, 60). */
const pieces: StitchInput = {
  jobId: 'sum_x',
  source: {
    type: 'video',
    sha256: 'a'.repeat(64),
    bytes: 9,
    duration: 60,
    startOffset: 1.4,
    width: 640,
    height: 360,
    coding: { turn: 0, mirrored: false, range: 'sdr', interlaced: false },
    frameRate: { kind: 'constant', average: 25 },
    tracks: [],
    videoTrack: 0,
  },
  range: { start: 0, end: 60 },
  frames: [frame(0), frame(4.96), frame(12.5), frame(30), frame(41.04)],
  segments: [
    { index: 0, first: 0, last: 2, captions: ['A cat.', 'A dog.'], finishReason: 'stop', usage },
    { index: 1, first: 2, last: 3, captions: ['A bird.'], finishReason: 'stop', usage },
    { index: 2, first: 3, last: 5, captions: ['A fish.', 'A fish.'], finishReason: 'stop', usage },
  ],
  sections: [
    { first: 0, last: 2, title: 'Pets', text: 'First, a cat. Then, a dog. Finally, a bird.' },
    { first: 2, last: 3, title: 'Fish', text: 'A fish.' },
  ],
  title: 'Animals',
  summary: 'First, a cat. Then, a dragon. Finally, a fish.',
  uncheckedSummary: 'First, a cat. Then, a dragon. Finally, a fish.',
  finishReasons: ['stop'],
  reduceUsage: { input_tokens: 50, output_tokens: 5 },
  model: { name: 'm', revision: 'r' },
  evidenceThreshold: 1,
};

describe('a stitched result', () => {
  const result = stitch(pieces);

  it('fits its schema', () => {
    expect(SummaryResult.parse(result)).toEqual(result);
  });

  it('takes every time from a frame: a segment ends where the next one begins', () => {
    expect(result.segments.map(({ start_time, end_time }) => [start_time, end_time])).toEqual([
      [0, 12.5],
      [12.5, 30],
      [30, 60],
    ]);
    expect(result.chapters.map(({ start_time, end_time }) => [start_time, end_time])).toEqual([
      [0, 30],
      [30, 60],
    ]);
  });

  it('numbers frames through the whole job and says equal neighbours once', () => {
    expect(result.segments.flatMap(({ frames }) => frames.map(({ index }) => index))).toEqual([
      0, 1, 2, 3, 4,
    ]);
    expect(result.segments[2]?.caption).toBe('A fish.');
  });

  it('leaves out what no segment supports, and says what it left out', () => {
    expect(result.summary).toBe('First, a cat. Finally, a fish.');
    expect(result.unsupported).toEqual(['Then, a dragon.']);
    expect(result.sentences).toEqual([
      { text: 'First, a cat.', segments: [0] },
      { text: 'Finally, a fish.', segments: [2] },
    ]);
  });

  it('adds up what was used', () => {
    expect(result.usage).toEqual({ frames: 5, image_tokens: 939, input_tokens: 1250, output_tokens: 65 });
    expect(result.coverage).toBe(1);
  });

  it('says that it is AI-generated', () => {
    expect(result.notice).toMatch(/AI-generated/);
  });
});

describe('a stitched result with a gap', () => {
  const result = stitch({
    ...pieces,
    segments: pieces.segments.map((segment) =>
      segment.index === 1 ? { index: 1, first: 2, last: 3, reason: 'model_crashed', attempts: 6 } : segment,
    ),
  });

  it('names the gap, its time and its reason', () => {
    expect(result.gaps).toEqual([
      { segment: 1, start_time: 12.5, end_time: 30, reason: 'model_crashed', attempts: 6 },
    ]);
  });

  it('counts only what was described as covered', () => {
    expect(result.coverage).toBeCloseTo((12.5 + 30) / 60, 6);
  });

  it('cites no gap', () => {
    const cited = [...result.sentences, ...result.chapters].flatMap(({ segments }) => segments);
    expect(cited).not.toContain(1);
  });
});

describe('a stitched deck', () => {
  it('speaks of slides where a video speaks of times', () => {
    const result = stitch({
      ...pieces,
      source: { type: 'deck', sha256: 'a'.repeat(64), bytes: 9, pages: 5 },
      frames: [1, 2, 3, 4, 5].map((slide) => ({ name: `frames/${slide}`, width: 640, height: 360, slide })),
    });
    expect(result.segments.map(({ slides }) => slides)).toEqual([[1, 2], [3], [4, 5]]);
    expect(JSON.stringify(result)).not.toContain('_time"');
  });
});

describe('a stitched deck with slides that could not be drawn', () => {
  const slides = [1, 2, 3, 4].map((slide) => ({ slide, text: `text ${slide}` }));
  const result = stitch({
    ...pieces,
    source: { type: 'deck', sha256: 'a'.repeat(64), bytes: 9, pages: 4 },
    // Slide 2 has words and no picture, slide 4 has neither.
    frames: [1, 2, 3].map((slide) => ({ name: `frames/${slide}`, width: 640, height: 360, slide })),
    segments: [
      { index: 0, first: 0, last: 1, captions: ['A cat.'], finishReason: 'stop', usage },
      { index: 1, first: 1, last: 2, captions: ['A dog.'], finishReason: 'stop', usage },
      { index: 2, first: 2, last: 3, captions: ['A fish.'], finishReason: 'stop', usage },
    ],
    slides,
    slideGaps: [
      { slide: 2, reason: 'renderer_missing' },
      { slide: 4, reason: 'media_truncated' },
    ],
  });

  it('counts a slide as covered of which only a chart was not read', () => {
    const frames = [1, 2].map((slide) => ({ name: `frames/${slide}`, width: 640, height: 360, slide }));
    const message = 'The chart chart1.xml cannot be read.';
    const { coverage, gaps } = stitch({
      ...pieces,
      source: { type: 'deck', sha256: 'a'.repeat(64), bytes: 9, pages: 2 },
      frames,
      slideGaps: [{ slide: 2, reason: 'media_too_large', message, hasImage: true }],
      segments: [{ index: 0, first: 0, last: 2, captions: ['A.', 'B.'], finishReason: 'stop', usage }],
    });
    expect(coverage).toBe(1);
    expect(gaps).toEqual([{ slides: [2], reason: 'media_too_large', message, attempts: 1 }]);
  });

  it('offers no image of a slide that has none', () => {
    const frames = [1, 2, 3].map((slide) => ({ name: `frames/${slide}`, width: 640, height: 360, slide }));
    const { segments } = stitch({
      ...pieces,
      source: { type: 'deck', sha256: 'a'.repeat(64), bytes: 9, pages: 3 },
      frames: frames.map((one) => (one.slide === 2 ? { ...one, placeholder: true } : one)),
      segments: [{ index: 0, first: 0, last: 3, captions: ['A.', 'B.', 'C.'], finishReason: 'stop', usage }],
    });
    expect(segments[0]?.frames.map(({ image }) => image)).toEqual([
      '/v1/summaries/sum_x/frames/0.jpg',
      undefined,
      '/v1/summaries/sum_x/frames/2.jpg',
    ]);
  });

  it('has a gap for each, counts the pictures it saw, and keeps every slide', () => {
    expect(SummaryResult.parse(result)).toEqual(result);
    expect(result.gaps).toEqual([
      { slides: [2], reason: 'renderer_missing', attempts: 1 },
      { slides: [4], reason: 'media_truncated', attempts: 1 },
    ]);
    expect(result.coverage).toBe(0.5);
    expect(result.slides?.map(({ slide, caption }) => [slide, caption])).toEqual([
      [1, 'A cat.'],
      [2, 'A dog.'],
      [3, 'A fish.'],
      [4, undefined],
    ]);
  });
});

describe('the title of a result', () => {
  const text = 'Quokkas live on Rottnest Island.';
  const deck: StitchInput = {
    ...pieces,
    source: { type: 'deck', sha256: 'a'.repeat(64), bytes: 9, pages: 5 },
    frames: [1, 2, 3, 4, 5].map((slide) => ({ name: `frames/${slide}`, width: 640, height: 360, slide })),
    slides: [1, 2, 3, 4, 5].map((slide) =>
      slide === 2 ? { slide, title: 'Quokka habitats', text } : { slide },
    ),
  };
  const titled = (source: object, input: Partial<StitchInput> = {}) =>
    stitch({ ...deck, source: { ...deck.source, ...source } as StitchInput['source'], ...input });

  it('is the title of the model if the captions contain its words', () => {
    expect(stitch({ ...pieces, title: 'Dog and bird' }).title).toBe('Dog and bird');
    expect(stitch({ ...pieces, title: 'Dog and dragon' }).title).not.toContain('dragon');
  });

  it('is supported by the share of its words that the threshold asks for', () => {
    expect(stitch({ ...pieces, title: 'Dog and dragon', evidenceThreshold: 0.5 }).title).toBe(
      'Dog and dragon',
    );
  });

  it('is supported by what was said', () => {
    const transcript = { from: 'track', cues: [{ start: 1, end: 2, text: 'Here be dragons.' }] } as const;
    expect(stitch({ ...pieces, title: 'Dragons', transcript }).title).toBe('Dragons');
  });

  it('of a deck needs the words of its slides, else it is that of the document or of the first titled slide', () => {
    expect(titled({}, { title: 'Rottnest Island quokkas' }).title).toBe('Rottnest Island quokkas');
    expect(titled({}, { title: 'Cat' }).title).toBe('Quokka habitats');
    expect(titled({ title: 'Quokka habitats in 1987' }, { title: 'Blue' }).title).toBe(
      'Quokka habitats in 1987',
    );
  });

  it('of a deck without any image is its own', () => {
    const slideGaps = [1, 2, 3, 4, 5].map((slide) => ({ slide, reason: 'renderer_missing' }));
    expect(titled({ title: 'Field notes' }, { title: 'Rottnest', slideGaps }).title).toBe('Field notes');
  });

  it('of a source without a title of its own is that of a chapter, and of a chapter its first sentence', () => {
    const sections = pieces.sections.map((section) => ({ ...section, title: 'Dragons' }));
    const result = stitch({ ...pieces, title: 'Unicorns', sections });
    expect(result.chapters.map(({ title }) => title)).toEqual(['A cat', 'A fish']);
    expect(result.title).toBe('A cat');
  });

  it('of a chapter of a deck is that of its first titled slide where the model has another', () => {
    const sections = pieces.sections.map((section) => ({ ...section, title: 'Dragons' }));
    expect(titled({}, { sections }).chapters.map(({ title }) => title)).toEqual([
      'Quokka habitats',
      'A fish',
    ]);
  });
});

describe('a stitched lecture with its deck and its words', () => {
  const interval = { start_time: 0, end_time: 12.5 };
  const result = stitch({
    ...pieces,
    frames: [
      { ...frame(0), slide: 2 },
      { ...frame(4.96), slide: 1 },
      frame(12.5),
      { ...frame(30), slide: 2 },
      frame(41.04),
    ],
    slides: [
      { slide: 1, title: 'One', intervals: [interval] },
      { slide: 2, title: 'Two' },
    ],
    transcript: {
      from: 'track',
      cues: [
        { start: 0.5, end: 13, text: 'first' },
        { start: 13, end: 14, text: 'second' },
      ],
    },
  });

  it('shows slide numbers beside times', () => {
    expect(SummaryResult.parse(result)).toEqual(result);
    expect(result.segments.map(({ start_time, slides }) => [start_time, slides])).toEqual([
      [0, [1, 2]],
      [12.5, undefined],
      [30, [2]],
    ]);
    expect(result.chapters.map(({ end_time, slides }) => [end_time, slides])).toEqual([
      [30, [1, 2]],
      [60, [2]],
    ]);
    expect(result.segments[0]?.frames.map(({ time, slide }) => [time, slide])).toEqual([
      [0, 2],
      [4.96, 1],
    ]);
    expect(result.slides).toEqual([
      { slide: 1, title: 'One', intervals: [interval], caption: 'A dog.' },
      { slide: 2, title: 'Two', caption: 'A cat.' },
    ]);
  });

  it('gives each segment the cues that begin in it, and names the sources of text', () => {
    expect(result.text_sources).toEqual(['slides', 'subtitles']);
    expect(result.segments.map(({ transcript }) => transcript)).toEqual([
      [{ cue: 0, start_time: 0.5, end_time: 13, text: 'first' }],
      [{ cue: 1, start_time: 13, end_time: 14, text: 'second' }],
      undefined,
    ]);
  });
});

describe('the account of a transcript', () => {
  const cue = (start: number, text = 'x') => ({ start, end: start + 1, text });

  it('counts every cue that no segment contains, with the reason', () => {
    const [first, , third] = pieces.segments;
    if (!first || !third) throw new TypeError('the pieces have three segments');
    const result = stitch({
      ...pieces,
      range: { start: 0, end: 50 },
      segments: [first, { index: 1, first: 2, last: 3, reason: 'model_crashed', attempts: 3 }, third],
      transcript: {
        from: 'track',
        stream: 4,
        skipped: { no_time: 2 },
        cues: [cue(1), cue(13), cue(20), cue(31), cue(52), cue(60), cue(70), cue(80)],
      },
    });
    expect(SummaryResult.parse(result)).toEqual(result);
    expect(
      result.segments.flatMap(({ transcript = [] }) => transcript.map(({ cue: number }) => number)),
    ).toEqual([0, 3]);
    expect(result.transcript).toEqual({
      cues: 8,
      stream: 4,
      skipped: [
        { reason: 'no_time', cues: 2 },
        { reason: 'in_gap', cues: 2 },
        { reason: 'outside_range', cues: 1 },
        { reason: 'after_end', cues: 3 },
      ],
    });
  });

  it('counts the cues after the limit of a segment', () => {
    const cues = Array.from({ length: 30 }, (_, index) => cue(31 + index / 10, 'word '.repeat(200)));
    const { segments, transcript } = stitch({ ...pieces, transcript: { from: 'speech', cues } });
    const placed = segments[2]?.transcript?.length ?? 0;
    expect(transcript).toEqual({ cues: 30, skipped: [{ reason: 'too_long', cues: 30 - placed }] });
  });

  it('names the parts that could not be transcribed as gaps, which cost no coverage of the frames', () => {
    const gap = { start: 0, end: 60, reason: 'section_not_transcribed', attempts: 1 } as const;
    const result = stitch({ ...pieces, transcript: { from: 'speech', cues: [], gaps: [gap] } });
    expect(SummaryResult.parse(result)).toEqual(result);
    expect(result.gaps).toEqual([
      { start_time: 0, end_time: 60, reason: 'section_not_transcribed', attempts: 1 },
    ]);
    expect([result.coverage, result.text_sources, result.transcript]).toEqual([
      1,
      [],
      { cues: 0, skipped: [] },
    ]);
  });
});
