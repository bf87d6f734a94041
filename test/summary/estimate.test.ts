import { describe, expect, it } from 'vitest';
import type { ModelPlan } from '../../schema/model-plan.ts';
import { estimateTokens, type SegmentImages, spreadIndexes } from '../../summary/estimate.ts';
import { maxMergeUsage } from '../../summary/merge-bound.ts';

/** As the bundled model is planned for. */
const model: ModelPlan = {
  ...{
    name: 'tiny',
    revision: 'r',
    crops: 1,
    maxImages: 4,
    promptTokens: 4096,
    evidence: 1,
    maxQuotedTokens: 0,
  },
  merge: { captions: 4, parts: 2 },
  tokens: { captionPerImage: 64, summary: 512, title: 24 },
};
const PICTURE = 313;
const segment = (images: number): SegmentImages => ({
  images,
  imageTokens: images * PICTURE,
  quotedTokens: 0,
});
const nobody = { caption: 0, merge: 0 };

describe('tokens of a job', () => {
  // Prompts and answers of the bundled model, counted by its own tokenizer in jobs that were run.
  it.each([
    { pictures: [1], caption: 21, actual: { input: 390, output: 23 } },
    { pictures: [2], caption: 22, actual: { input: 805, output: 91 } },
    { pictures: [4], caption: 17.75, actual: { input: 1497, output: 139 } },
    { pictures: [2, 3], caption: 18.4, actual: { input: 2157, output: 272 } },
    { pictures: [3, 3], caption: 19.3, actual: { input: 2562, output: 342 } },
  ])('of $pictures pictures are within 2 % where the length of captions is known', (job) => {
    const { pictures, caption, actual } = job;
    const length = { caption, distinct: 1, title: 2 };
    const { input, output } = estimateTokens(pictures.map(segment), model, 512, nobody, length);
    expect(Math.abs(input / actual.input - 1)).toBeLessThan(0.02);
    expect(Math.abs((input + output) / (actual.input + actual.output) - 1)).toBeLessThan(0.02);
  });

  it('of slides without pictures are none but those of merging', () => {
    const length = { caption: 20, distinct: 1, title: 2 };
    const quoted = { images: 0, imageTokens: 0, quotedTokens: 0 };
    const { input } = estimateTokens([quoted, quoted], model, 512, nobody, length);
    expect(input).toBeLessThan(400);
  });

  it('grow with the words of the user, and with every level of merging', () => {
    const length = { caption: 20, distinct: 1, title: 2 };
    const total = (count: number, own = nobody): number => {
      const { input, output } = estimateTokens(
        Array.from({ length: count }, () => segment(4)),
        model,
        512,
        own,
        length,
      );
      return input + output;
    };
    expect(total(1, { caption: 300, merge: 300 })).toBeGreaterThan(total(1) + 200);
    expect(total(16) / 16).toBeGreaterThan(total(4) / 4);
  });
});

describe('what merging takes at most', () => {
  it('is no less than what it took in jobs that were run', () => {
    for (const [segments, pictures, input, output] of [
      [1, 4, 215, 77],
      [2, 5, 558, 200],
      [2, 6, 604, 226],
      [3, 6, 485, 161],
    ] as const) {
      const most = maxMergeUsage(segments, pictures, model, { mergePromptLength: 0 });
      expect(most.inputTokens).toBeGreaterThanOrEqual(input);
      expect(most.outputTokens).toBeGreaterThanOrEqual(output);
    }
  });

  it('never falls as segments are added', () => {
    let last = 0;
    for (let segments = 1; segments < 200; segments += 1) {
      const { inputTokens, outputTokens } = maxMergeUsage(segments, 4 * segments, model, {
        mergePromptLength: 0,
      });
      expect(inputTokens + outputTokens).toBeGreaterThanOrEqual(last);
      last = inputTokens + outputTokens;
    }
  });
});

describe('a look at parts', () => {
  it('takes all of few, and of many some that are spread from the beginning to the end', () => {
    expect(spreadIndexes(3, 64)).toEqual([0, 1, 2]);
    expect(spreadIndexes(10, 4)).toEqual([0, 2, 5, 7]);
    const many = spreadIndexes(360, 64);
    expect(new Set(many).size).toBe(64);
    expect(many.at(-1)).toBeGreaterThan(350);
  });
});
