/** The scheduler, with a decoder that answers as told and records what it is asked. */
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../onnx/index.ts';
import type { Decoder } from '../../phi3v/engine/decoder.ts';
import type { ImageFeatures } from '../../phi3v/engine/features.ts';
import type { GenerationLimits } from '../../phi3v/engine/generation-limits.ts';
import type { CacheRow, CacheSlab } from '../../phi3v/engine/kv-cache.ts';
import { createScheduler } from '../../phi3v/engine/scheduler.ts';
import type { ScheduledRequest } from '../../phi3v/engine/sequence.ts';

const VOCABULARY = 50;
const STOP = 7;
const LIMITS: GenerationLimits = {
  contextLength: 10_000,
  ropeSwitch: 4096,
  stopIds: [2, STOP],
  vocabulary: VOCABULARY,
  maxConcurrency: 4,
  prefillChunkTokens: 256,
};

type Call =
  | {
      readonly kind: 'prefill';
      readonly row: CacheRow;
      readonly start: number;
      readonly ids: readonly number[];
      readonly slots: number;
      readonly predicted: boolean;
    }
  | { readonly kind: 'step'; readonly rows: readonly { row: CacheRow; id: number; position: number }[] };

/**
 * A decoder of hidden size 1. After `ids` in a row it predicts `answer(ids)`. It keeps what is in every row, and fails when
 * it is asked for something that the real one could not do.
 */
function fakeDecoder(
  answer: (ids: readonly number[]) => number,
  { room = Number.POSITIVE_INFINITY, during }: { room?: number; during?: (call: Call) => void } = {},
) {
  const calls: Call[] = [];
  const held = new Map<CacheRow, number[]>();
  const slabs = new Map<boolean, CacheSlab>();
  let used = 0;
  let busy = false;
  const logitsAfter = (ids: readonly number[]): Float32Array => {
    // Wider than the vocabulary, as the model's output is: what lies beyond must never win.
    const logits = new Float32Array(VOCABULARY + 14).fill(0, 0, VOCABULARY).fill(99, VOCABULARY);
    logits[answer(ids)] = 1;
    return logits;
  };
  async function alone<T>(call: Call, task: () => T): Promise<T> {
    expect(busy).toBe(false);
    busy = true;
    calls.push(call);
    await Promise.resolve();
    during?.(call);
    busy = false;
    return task();
  }
  const decoder: Decoder = {
    open: (tokens, long) => {
      if (used + tokens > room) return undefined;
      used += tokens;
      const slab = slabs.get(long) ?? {
        long,
        capacity: 0,
        bind: () => ({ past: [], present: [] }),
        filled: () => 0,
        fill: () => {},
      };
      slabs.set(long, slab);
      const row: CacheRow = {
        slab,
        index: held.size,
        release: () => {
          if (held.delete(row)) used -= tokens;
        },
      };
      held.set(row, []);
      return row;
    },
    checkFits: (tokens) => {
      if (tokens > room) throw new ModelError('memory_exceeded', 'too much');
    },
    prefill: (row, { ids, start, features, wantLogits: predicted }) =>
      alone({ kind: 'prefill', row, start, ids, slots: features.length, predicted }, () => {
        const cache = held.get(row) ?? [];
        expect(start).toBe(cache.length);
        expect(features.length).toBe(ids.filter((id) => id < 0).length);
        cache.push(...ids);
        expect(cache.length <= LIMITS.ropeSwitch || row.slab.long).toBe(true);
        return predicted ? logitsAfter(cache) : undefined;
      }),
    step: (rows) =>
      alone({ kind: 'step', rows: rows.map((each) => ({ ...each })) }, () => {
        expect(new Set(rows.map(({ row }) => row.slab)).size).toBe(1);
        return rows.map(({ row, id, position }) => {
          const cache = held.get(row) ?? [];
          expect(position).toBe(cache.length);
          cache.push(id);
          expect(cache.length <= LIMITS.ropeSwitch || row.slab.long).toBe(true);
          return logitsAfter(cache);
        });
      }),
  };
  return { decoder, calls, open: () => held.size };
}

const request = (promptTokens: number, rest: Partial<ScheduledRequest> = {}): ScheduledRequest => ({
  promptIds: Array.from({ length: promptTokens }, () => 5),
  images: [],
  maxTokens: 20,
  resume: [],
  sampling: {},
  ...rest,
});

/** Counts 10, 11, 12 … after a prompt of that length. */
const counting =
  (promptTokens: number) =>
  (ids: readonly number[]): number =>
    10 + ((ids.length - promptTokens) % 40);

const prefills = (calls: readonly Call[]) => calls.filter((call) => call.kind === 'prefill');
const steps = (calls: readonly Call[]) => calls.filter((call) => call.kind === 'step');

describe('one answer', () => {
  it.each([2, STOP])('stops at stop token %d and leaves it out', async (stop) => {
    const { decoder, open } = fakeDecoder((ids) => (ids.length === 303 ? stop : counting(300)(ids)));
    const answer = await createScheduler(decoder, LIMITS).generate(request(300));
    expect(answer).toMatchObject({ tokens: [10, 11, 12], finishReason: 'stop' });
    expect(open()).toBe(0);
  });

  it('ends at the length limit without running the last token', async () => {
    const { decoder, calls } = fakeDecoder(counting(10));
    const answer = await createScheduler(decoder, LIMITS).generate(request(10, { maxTokens: 3 }));
    expect(answer).toMatchObject({ tokens: [10, 11, 12], finishReason: 'length' });
    expect(steps(calls).map(({ rows }) => rows[0]?.position)).toEqual([10, 11]);
  });

  it('ends for the reason that a watcher gives, with the token it was given', async () => {
    const { decoder } = fakeDecoder(counting(10));
    const answer = await createScheduler(decoder, LIMITS).generate(request(10), {
      onToken: (token) => (token === 12 ? 'repetition' : undefined),
    });
    expect(answer).toMatchObject({ tokens: [10, 11, 12], finishReason: 'repetition' });
  });

  it('prefills in chunks from the start and asks for logits once', async () => {
    const { decoder, calls } = fakeDecoder(counting(600));
    await createScheduler(decoder, LIMITS).generate(request(600, { maxTokens: 1 }));
    expect(prefills(calls).map(({ start, ids, predicted }) => [start, ids.length, predicted])).toEqual([
      [0, 256, false],
      [256, 256, false],
      [512, 88, true],
    ]);
  });

  it('gives each chunk the feature rows of its slots, across chunks and images', async () => {
    const { decoder, calls } = fakeDecoder(counting(504));
    const image = (tokens: number) => async (): Promise<ImageFeatures> => ({
      data: new Float32Array(tokens),
      tokens,
      hiddenSize: 1,
    });
    const slots = (image_: number, length: number) => Array.from({ length }, () => -image_);
    const promptIds = [1, 2, ...slots(1, 200), 3, ...slots(2, 300), 4];
    const images = [image(200), image(300)];
    await createScheduler(decoder, LIMITS).generate(request(0, { promptIds, images, maxTokens: 1 }));
    expect(prefills(calls).map((call) => call.slots)).toEqual([253, 247]);
  });

  it('fails when the prompt has more image slots than its images', async () => {
    const { decoder, open } = fakeDecoder(counting(2));
    const answer = createScheduler(decoder, LIMITS).generate(request(0, { promptIds: [1, -1] }));
    await expect(answer).rejects.toMatchObject({ code: 'prompt_invalid' });
    expect(open()).toBe(0);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses to generate %d tokens', async (maxTokens) => {
    const { decoder } = fakeDecoder(counting(10));
    const answer = createScheduler(decoder, LIMITS).generate(request(10, { maxTokens }));
    await expect(answer).rejects.toMatchObject({ code: 'prompt_invalid' });
  });

  it('refuses what does not fit into the context, and takes what just fits', async () => {
    const { decoder } = fakeDecoder(counting(9990));
    const { generate } = createScheduler(decoder, LIMITS);
    await expect(generate(request(9990, { maxTokens: 11 }))).rejects.toMatchObject({
      code: 'context_exceeded',
    });
    expect((await generate(request(9990, { maxTokens: 10 }))).tokens.length).toBe(10);
  });

  it('fails when the logits are no numbers', async () => {
    const { decoder } = fakeDecoder(counting(3));
    const broken: Decoder = {
      ...decoder,
      prefill: async () => new Float32Array(VOCABULARY).fill(Number.NaN),
    };
    const answer = createScheduler(broken, LIMITS).generate(request(3));
    await expect(answer).rejects.toMatchObject({ code: 'runtime' });
  });
});

describe('a resumed answer', () => {
  it('prefills its prompt and repeats its tokens step by step, as they came the first time', async () => {
    const { decoder, calls } = fakeDecoder(counting(100));
    const resume = [10, 11, 12];
    const seen: number[] = [];
    const { tokens } = await createScheduler(decoder, LIMITS).generate(
      request(100, { maxTokens: 5, resume }),
      {
        onToken: (token) => {
          seen.push(token);
          return undefined;
        },
      },
    );
    expect(tokens).toEqual([10, 11, 12, 13, 14]);
    expect(seen).toEqual([13, 14]);
    expect(prefills(calls).map(({ ids, predicted }) => [ids.length, predicted])).toEqual([[100, false]]);
    expect(steps(calls).map(({ rows }) => rows[0]?.id)).toEqual([10, 11, 12, 13]);
  });

  it('runs nothing when it is as long as allowed', async () => {
    const { decoder, calls } = fakeDecoder(counting(100));
    const answer = await createScheduler(decoder, LIMITS).generate(
      request(100, { maxTokens: 2, resume: [10, 11] }),
    );
    expect(answer).toMatchObject({ tokens: [10, 11], finishReason: 'length' });
    expect(calls).toEqual([]);
  });

  it('beyond the switch prefills just what an undisturbed run has prefilled there', async () => {
    const resume = Array.from({ length: 12 }, (_, i) => 10 + i);
    const { decoder, calls } = fakeDecoder(counting(4090));
    await createScheduler(decoder, LIMITS).generate(request(4090, { maxTokens: 14, resume }));
    expect(prefills(calls).reduce((sum, { ids }) => sum + ids.length, 0)).toBe(4097);
    expect(steps(calls).length).toBe(4102 - 4097 + 1);
  });

  it.each<[what: string, resume: number[]]>([
    ['more tokens than allowed', [10, 11, 12]],
    ['a stop token', [STOP]],
    ['an image slot', [-1]],
    ['an id beyond the vocabulary', [VOCABULARY]],
  ])('is refused with %s', async (_, resume) => {
    const { decoder } = fakeDecoder(counting(10));
    const answer = createScheduler(decoder, LIMITS).generate(request(10, { maxTokens: 2, resume }));
    await expect(answer).rejects.toMatchObject({ code: 'prompt_invalid' });
  });
});

describe('the switch of the rope tables', () => {
  // The fake fails when a row of the short tables holds more than 4096 tokens.
  it.each([
    [4095, 1],
    [4090, 6],
    [4096, 0],
  ])(
    'a prompt of %d tokens is prefilled once more, with the long factors, after %d tokens of answer',
    async (n, before) => {
      const { decoder, calls } = fakeDecoder(counting(n));
      const { tokens } = await createScheduler(decoder, LIMITS).generate(request(n));
      expect(tokens).toEqual(Array.from({ length: 20 }, (_, i) => 10 + i));
      const first = (long: boolean) => prefills(calls).filter(({ row }) => row.slab.long === long);
      expect(first(false).reduce((sum, { ids }) => sum + ids.length, 0)).toBe(n);
      expect(first(true).reduce((sum, { ids }) => sum + ids.length, 0)).toBe(4097);
      expect(steps(calls).filter(({ rows }) => rows[0]?.row.slab.long === false).length).toBe(before);
    },
  );

  it.each([4097, 5000])('a prompt of %d tokens has the long factors from its first chunk on', async (n) => {
    const { decoder, calls } = fakeDecoder(counting(n));
    const { tokens } = await createScheduler(decoder, LIMITS).generate(request(n));
    expect(tokens.length).toBe(20);
    expect(calls.every((call) => (call.kind === 'prefill' ? call.row.slab.long : true))).toBe(true);
    expect(prefills(calls).reduce((sum, { ids }) => sum + ids.length, 0)).toBe(n);
  });

  it('is never shared by a step: short and long answers take turns', async () => {
    const { decoder, calls } = fakeDecoder((ids) => 10 + (ids.length % 40));
    const { generate } = createScheduler(decoder, LIMITS);
    await Promise.all([generate(request(10)), generate(request(4100)), generate(request(20))]);
    const kinds = steps(calls).map(({ rows }) => rows.map(({ row }) => row.slab.long));
    expect(kinds.some((row) => row.includes(true))).toBe(true);
    for (const kind of kinds) expect(new Set(kind).size).toBe(1);
  });
});

describe('several answers', () => {
  it('decode together, and each is what it is alone', async () => {
    const { decoder, calls } = fakeDecoder((ids) => 10 + ((ids.length * 7) % 40));
    const { generate } = createScheduler(decoder, LIMITS);
    const lengths = [10, 40, 90, 30];
    const together = await Promise.all(lengths.map((n) => generate(request(n))));
    for (const [i, n] of lengths.entries()) {
      const alone = fakeDecoder((ids) => 10 + ((ids.length * 7) % 40));
      const expected = await createScheduler(alone.decoder, LIMITS).generate(request(n));
      expect(together[i]?.tokens).toEqual(expected.tokens);
    }
    expect(Math.max(...steps(calls).map(({ rows }) => rows.length))).toBe(4);
    expect(together.every(({ averageBatchSize }) => averageBatchSize > 1)).toBe(true);
  });

  it('are never held up by more than one chunk or picture of a new one', async () => {
    const { decoder, calls } = fakeDecoder((ids) => 10 + (ids.length % 40));
    const { generate } = createScheduler(decoder, LIMITS);
    const running = generate(request(10, { maxTokens: 30 }));
    await Promise.all([running, generate(request(2000, { maxTokens: 2 }))]);
    const first = calls.findIndex((call) => call.kind === 'step');
    const last = calls.findLastIndex(
      (call) => call.kind === 'step' && call.rows.some(({ position }) => position < 39),
    );
    for (let i = first; i < last; i++) {
      expect(calls[i]?.kind === 'prefill' && calls[i + 1]?.kind === 'prefill').toBe(false);
    }
  });

  it('are begun in the order they came, and no more than there are rows at once', async () => {
    const { decoder, calls, open } = fakeDecoder((ids) => 10 + (ids.length % 40), {
      during: () => expect(open()).toBeLessThanOrEqual(4),
    });
    const { generate } = createScheduler(decoder, LIMITS);
    await Promise.all(Array.from({ length: 9 }, (_, i) => generate(request(10 + i, { maxTokens: 5 }))));
    expect(prefills(calls).map(({ ids }) => ids.length)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18]);
  });

  it('wait for memory in order: a small one does not pass a large one that came first', async () => {
    const { decoder, calls } = fakeDecoder((ids) => 10 + (ids.length % 40), { room: 250 });
    const { generate } = createScheduler(decoder, LIMITS);
    const sizes = [200, 210, 20, 30];
    await Promise.all(sizes.map((n) => generate(request(n, { maxTokens: 10 }))));
    expect(prefills(calls).map(({ ids }) => ids.length)).toEqual(sizes);
  });

  it('are refused at once when there will never be memory for them', async () => {
    const { decoder, calls } = fakeDecoder(counting(10), { room: 250 });
    const answer = createScheduler(decoder, LIMITS).generate(request(240));
    await expect(answer).rejects.toMatchObject({ code: 'memory_exceeded' });
    expect(calls).toEqual([]);
  });

  it('fail one by one: what breaks one prompt does not touch the others', async () => {
    const { decoder } = fakeDecoder((ids) => 10 + (ids.length % 40));
    const { generate } = createScheduler(decoder, LIMITS);
    const broken = async (): Promise<ImageFeatures> => {
      throw new ModelError('image_invalid', 'no picture');
    };
    const results = await Promise.allSettled([
      generate(request(10)),
      generate(request(0, { promptIds: [1, -1], images: [broken] })),
      generate(request(12)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });

  it('a cancel frees its row within a step, whether it waits, is prefilled or decodes', async () => {
    for (const when of ['waiting', 'prefill', 'step'] as const) {
      const abort = new AbortController();
      let after = 0;
      const { decoder, open } = fakeDecoder((ids) => 10 + (ids.length % 40), {
        during: (call) => {
          if (abort.signal.aborted) after += 1;
          const cancelNow =
            when === 'step' ? call.kind === 'step' : call.kind === 'prefill' && call.ids.length === 256;
          if (when !== 'waiting' && cancelNow) abort.abort();
        },
      });
      if (when === 'waiting') abort.abort();
      const answer = createScheduler(decoder, LIMITS).generate(request(600, { maxTokens: 100 }), {
        signal: abort.signal,
      });
      await expect(answer).rejects.toMatchObject({ code: 'cancelled' });
      expect(open()).toBe(0);
      expect(after).toBe(0);
    }
  });

  it('are cancelled when it is closed, which waits for the call that runs', async () => {
    let running = 0;
    const { decoder } = fakeDecoder((ids) => 10 + (ids.length % 40));
    const slow: Decoder = {
      ...decoder,
      step: async (rows) => {
        running += 1;
        const logits = await decoder.step(rows);
        running -= 1;
        return logits;
      },
    };
    const scheduler = createScheduler(slow, LIMITS);
    const answers = [10, 20].map((n) =>
      scheduler.generate(request(n, { maxTokens: 500 }), {
        onToken: () => {
          void scheduler.close();
          return undefined;
        },
      }),
    );
    const results = await Promise.allSettled(answers);
    await scheduler.close();
    expect(running).toBe(0);
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'cancelled' } });
    await expect(scheduler.generate(request(5))).rejects.toMatchObject({ code: 'cancelled' });
  });
});
