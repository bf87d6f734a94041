import { describe, expect, it } from 'vitest';
import type { Decoder } from '../../phi3v/decoder.ts';
import { type GenerationLimits, type GreedyRequest, generateGreedy } from '../../phi3v/generate.ts';

const VOCABULARY = 50;
const STOP = 7;
const LIMITS: GenerationLimits = {
  contextLength: 10_000,
  ropeSwitch: 4096,
  stopIds: [2, STOP],
  vocabulary: VOCABULARY,
};

interface Recorded {
  readonly start: number;
  readonly count: number;
  readonly rows: number;
  readonly predicted: boolean;
}

/** A decoder of hidden size 1 that answers with `answer[n]` after n tokens of answer, and records what it is asked. */
function fakeDecoder(promptTokens: number, answer: (n: number) => number) {
  const calls: Recorded[] = [];
  let cached = 0;
  let closed = 0;
  let limit = 0;
  const decoder: Decoder = {
    open: (max) => {
      limit = max;
      const record = (ids: readonly number[], features: Float32Array, start: number, predicted: boolean) => {
        expect(start).toBeLessThanOrEqual(cached);
        cached = start + ids.length;
        expect(cached).toBeLessThanOrEqual(limit);
        expect(features.length).toBe(ids.filter((id) => id < 0).length);
        calls.push({ start, count: ids.length, rows: features.length, predicted });
      };
      return {
        append: async (ids, features, start) => record(ids, features, start, false),
        predict: async (ids, features, start) => {
          record(ids, features, start, true);
          // Wider than the vocabulary, as the model's output is: what lies beyond must never win.
          const logits = new Float32Array(VOCABULARY + 14).fill(0, 0, VOCABULARY).fill(99, VOCABULARY);
          logits[answer(cached - promptTokens)] = 1;
          return logits;
        },
        close: () => {
          closed += 1;
        },
      };
    },
  };
  return { decoder, calls, closed: () => closed };
}

const request = (promptTokens: number, rest: Partial<GreedyRequest> = {}): GreedyRequest => ({
  promptIds: Array.from({ length: promptTokens }, () => 5),
  features: [],
  maxTokens: 20,
  resume: [],
  ...rest,
});

const counting = (n: number): number => 10 + n;
const ends = (calls: readonly Recorded[]): number[] => calls.map(({ start, count }) => start + count);

describe('greedy generation', () => {
  it.each([2, STOP])('stops at stop token %d and leaves it out', async (stop) => {
    const { decoder, closed } = fakeDecoder(300, (n) => (n === 3 ? stop : counting(n)));
    const result = await generateGreedy(decoder, LIMITS, request(300));
    expect(result).toEqual({ tokens: [10, 11, 12], finishReason: 'stop' });
    expect(closed()).toBe(1);
  });

  it('ends at the length limit without running the last token', async () => {
    const { decoder, calls } = fakeDecoder(10, counting);
    const result = await generateGreedy(decoder, LIMITS, request(10, { maxTokens: 3 }));
    expect(result).toEqual({ tokens: [10, 11, 12], finishReason: 'length' });
    expect(ends(calls)).toEqual([10, 11, 12]);
  });

  it('reports each new token as it comes, and not those it resumes from', async () => {
    const { decoder } = fakeDecoder(10, counting);
    const seen: number[] = [];
    const resume = [10, 11];
    await generateGreedy(decoder, LIMITS, request(10, { maxTokens: 5, resume }), {
      onToken: (t) => seen.push(t),
    });
    expect(seen).toEqual([12, 13, 14]);
  });

  it('steps by two rows, the last again and the new one, after one prefill in chunks', async () => {
    const { decoder, calls } = fakeDecoder(600, counting);
    await generateGreedy(decoder, LIMITS, request(600, { maxTokens: 3 }));
    expect(calls.map(({ start, count, predicted }) => [start, count, predicted])).toEqual([
      [0, 256, false],
      [256, 256, false],
      [512, 88, true],
      [599, 2, true],
      [600, 2, true],
    ]);
  });

  it('leaves no single row for the last chunk', async () => {
    const { decoder, calls } = fakeDecoder(513, counting);
    await generateGreedy(decoder, LIMITS, request(513, { maxTokens: 1 }));
    expect(calls.map(({ count }) => count)).toEqual([256, 257]);
  });

  it('gives each chunk the feature rows of its slots, across chunks and images', async () => {
    const { decoder, calls } = fakeDecoder(504, counting);
    const image = (tokens: number) => ({ data: new Float32Array(tokens), tokens, hiddenSize: 1 });
    const promptIds = [
      1,
      2,
      ...Array.from({ length: 200 }, () => -1),
      3,
      ...Array.from({ length: 300 }, () => -2),
      4,
    ];
    await generateGreedy(
      decoder,
      LIMITS,
      request(0, { promptIds, features: [image(200), image(300)], maxTokens: 1 }),
    );
    expect(calls.map(({ rows }) => rows)).toEqual([253, 247]);
  });

  it('prefills prompt and resumed tokens once and goes on from there', async () => {
    const { decoder, calls } = fakeDecoder(100, (n) => (n === 6 ? STOP : counting(n)));
    const result = await generateGreedy(decoder, LIMITS, request(100, { resume: [10, 11, 12, 13] }));
    expect(result).toEqual({ tokens: [10, 11, 12, 13, 14, 15], finishReason: 'stop' });
    expect(ends(calls)).toEqual([104, 105, 106]);
  });

  it('runs nothing when the resumed answer is as long as allowed', async () => {
    const { decoder, calls } = fakeDecoder(100, counting);
    const result = await generateGreedy(decoder, LIMITS, request(100, { maxTokens: 2, resume: [10, 11] }));
    expect(result).toEqual({ tokens: [10, 11], finishReason: 'length' });
    expect(calls).toEqual([]);
  });

  it.each<[what: string, resume: number[]]>([
    ['more tokens than allowed', [10, 11, 12]],
    ['a stop token', [STOP]],
    ['an image slot', [-1]],
    ['an id beyond the vocabulary', [VOCABULARY]],
  ])('refuses to resume from %s', async (_, resume) => {
    const { decoder } = fakeDecoder(10, counting);
    const answer = generateGreedy(decoder, LIMITS, request(10, { maxTokens: 2, resume }));
    await expect(answer).rejects.toMatchObject({ code: 'prompt_invalid' });
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to generate %d tokens', async (maxTokens) => {
    const { decoder } = fakeDecoder(10, counting);
    await expect(generateGreedy(decoder, LIMITS, request(10, { maxTokens }))).rejects.toMatchObject({
      code: 'prompt_invalid',
    });
  });

  it('refuses what does not fit into the context, and takes what just fits', async () => {
    const { decoder } = fakeDecoder(9_990, counting);
    await expect(generateGreedy(decoder, LIMITS, request(9_990, { maxTokens: 11 }))).rejects.toMatchObject({
      code: 'context_exceeded',
    });
    const { tokens } = await generateGreedy(decoder, LIMITS, request(9_990, { maxTokens: 10 }));
    expect(tokens.length).toBe(10);
  });

  it.each([
    [4095, 1],
    [4090, 6],
  ])('caps the answer to a prompt of %d tokens at a total of 4096', async (promptTokens, room) => {
    const { decoder, calls } = fakeDecoder(promptTokens, counting);
    const { tokens, finishReason } = await generateGreedy(decoder, LIMITS, request(promptTokens));
    expect([tokens.length, finishReason]).toEqual([room, 'length']);
    expect(Math.max(...ends(calls))).toBeLessThanOrEqual(4096);
  });

  it('has no room for an answer after a prompt of 4096 tokens', async () => {
    const { decoder, calls } = fakeDecoder(4096, counting);
    expect(await generateGreedy(decoder, LIMITS, request(4096))).toEqual({
      tokens: [],
      finishReason: 'length',
    });
    expect(calls).toEqual([]);
  });

  it.each([4097, 4098, 5000])(
    'starts a prompt of %d tokens with a call beyond 4096 and then goes on freely',
    async (n) => {
      const { decoder, calls } = fakeDecoder(n, counting);
      const { tokens, finishReason } = await generateGreedy(decoder, LIMITS, request(n));
      expect([tokens.length, finishReason]).toEqual([20, 'length']);
      expect(calls[0]?.start).toBe(0);
      expect(Math.min(...ends(calls))).toBeGreaterThan(4096);
    },
  );

  it('sees a cancel between two chunks and between two tokens, and closes its cache', async () => {
    for (const after of [1, 4]) {
      const abort = new AbortController();
      const fake = fakeDecoder(600, (n) => {
        if (n === after - 1) abort.abort();
        return counting(n);
      });
      if (after === 1) abort.abort();
      const answer = generateGreedy(fake.decoder, LIMITS, request(600), { signal: abort.signal });
      await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
      expect(fake.closed()).toBe(1);
      expect(fake.calls.length).toBe(after === 1 ? 0 : 6);
    }
  });

  it('fails when the logits are no numbers', async () => {
    const decoder: Decoder = {
      open: () => ({
        append: async () => {},
        predict: async () => new Float32Array(VOCABULARY).fill(Number.NaN),
        close: () => {},
      }),
    };
    await expect(generateGreedy(decoder, LIMITS, request(3))).rejects.toMatchObject({ code: 'runtime' });
  });
});
