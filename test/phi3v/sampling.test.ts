import { describe, expect, it } from 'vitest';
import type { Sampling } from '../../phi3v/index.ts';
import { createSampler } from '../../phi3v/text/sampling.ts';

/** Probabilities 0.4, 0.3, 0.2, 0.1 of tokens 0 to 3, then one that is no token. */
const logits = (): Float32Array => Float32Array.from([0.4, 0.3, 0.2, 0.1], Math.log);

/** How often each token comes in 20,000 draws. */
function shares(sampling: Sampling, vocabulary = 4): number[] {
  const sampler = createSampler({ temperature: 1, ...sampling }, vocabulary);
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 20_000; index++) {
    const token = sampler.next(logits(), [], index);
    counts[token] = (counts[token] ?? 0) + 1;
  }
  return counts.map((count) => Math.round(count / 200) / 100);
}

describe('a sampler', () => {
  it('takes the likeliest token by default, of equal ones the lowest', () => {
    expect(createSampler({}, 4).next(logits(), [], 0)).toBe(0);
    expect(createSampler({}, 3).next(new Float32Array([1, 2, 2]), [], 0)).toBe(1);
  });

  it('never takes what lies beyond the vocabulary', () => {
    expect(createSampler({}, 2).next(new Float32Array([1, 2, 9]), [], 0)).toBe(1);
    expect(shares({}, 2)).toEqual([0.57, 0.43, 0, 0]);
  });

  it('draws tokens as often as they are likely', () => {
    shares({}).forEach((share, id) => {
      expect(share).toBeCloseTo([0.4, 0.3, 0.2, 0.1][id] ?? 0, 1);
    });
  });

  it('sharpens with a low temperature: probabilities go with their power of 1/t', () => {
    const powers = [0.4, 0.3, 0.2, 0.1].map((p) => p ** 2);
    const total = powers.reduce((sum, p) => sum + p, 0);
    shares({ temperature: 0.5 }).forEach((share, id) => {
      expect(share).toBeCloseTo((powers[id] ?? 0) / total, 1);
    });
  });

  it('keeps the k likeliest', () => {
    expect(shares({ topK: 2 }).map((share) => share > 0)).toEqual([true, true, false, false]);
    expect(shares({ topK: 1 })).toEqual([1, 0, 0, 0]);
  });

  it('keeps the likeliest that together have probability p', () => {
    expect(shares({ topP: 0.65 }).map((share) => share > 0)).toEqual([true, true, false, false]);
    expect(shares({ topP: 0.75 }).map((share) => share > 0)).toEqual([true, true, true, false]);
  });

  it('makes what has been said less likely, whichever sign its logit has', () => {
    const sampler = createSampler({ repetitionPenalty: 2 }, 3);
    expect(sampler.next(new Float32Array([1, 0.6, 0]), [0], 0)).toBe(1);
    expect(sampler.next(new Float32Array([-1, -1.5, -9]), [0], 0)).toBe(1);
    // Image slots are no tokens.
    expect(sampler.next(new Float32Array([1, 0.6, 0]), [-1], 0)).toBe(0);
  });

  it('draws the same with the same seed and place, and something else with another seed', () => {
    const draw = (seed: number) => {
      const sampler = createSampler({ temperature: 1, seed }, 4);
      return Array.from({ length: 64 }, (_, index) => sampler.next(logits(), [], index));
    };
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(draw(2 ** 40)).not.toEqual(draw(0));
    // From the middle on: nothing is remembered.
    const late = createSampler({ temperature: 1, seed: 7 }, 4);
    expect(late.next(logits(), [], 40)).toBe(draw(7)[40]);
  });

  it.each<Sampling>([
    { temperature: -1 },
    { temperature: Number.NaN },
    { topK: 1.5 },
    { topP: 0 },
    { topP: 1.1 },
    { repetitionPenalty: 0 },
    { seed: 0.5 },
  ])('refuses %o', (sampling) => {
    expect(() => createSampler(sampling, 4)).toThrow(expect.objectContaining({ code: 'prompt_invalid' }));
  });
});
