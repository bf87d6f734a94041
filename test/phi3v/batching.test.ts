/** Answers that decode together, on the real graphs of the tiny model: each must be what it is alone, token for token. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Model, openModel } from '../../phi3v/engine/model.ts';
import type { GenerateRequest } from '../../phi3v/index.ts';
import { endlessModel } from './support.ts';

const ANSWERS = 24;

let folder: string;
let model: Model;
beforeAll(async () => {
  folder = await endlessModel();
  model = await openModel({ folder, threads: 2, maxConcurrency: 5 });
});
afterAll(async () => {
  await model[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** A generator of numbers in [0, 1): mulberry32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Planned {
  readonly request: GenerateRequest;
  /** Comes when this many tokens of all answers have been made. */
  readonly arrives: number;
  /** Is cancelled after this many of its own tokens. */
  readonly cancelledAfter: number | undefined;
}

function plan(seed: number): readonly Planned[] {
  const next = random(seed);
  const below = (n: number): number => Math.floor(next() * n);
  return Array.from({ length: ANSWERS }, (_, i) => {
    const words = Array.from(
      { length: 1 + below(120) },
      () => ['red', 'circle', 'on', 'the', 'left'][below(5)],
    );
    return {
      request: {
        prompt: [{ text: `${i} ${words.join(' ')}` }],
        images: [],
        maxTokens: 1 + below(60),
        sampling: next() < 0.3 ? {} : { temperature: 0.5 + next() * 2, topP: 0.95, seed: below(1e9) },
      },
      arrives: below(600),
      cancelledAfter: next() < 0.2 ? 1 + below(20) : undefined,
    };
  });
}

/** Runs all of them as planned. A cancelled one gives the tokens it had. */
async function together(planned: readonly Planned[]): Promise<readonly (readonly number[])[]> {
  let made = 0;
  let arrive: () => void = () => {};
  const answers: Promise<readonly number[]>[] = [];
  const started = new Set<number>();
  const start = ({ request, cancelledAfter }: Planned): Promise<readonly number[]> => {
    const abort = new AbortController();
    const tokens: number[] = [];
    return model
      .generate(request, {
        signal: abort.signal,
        onTokens: (fresh) => {
          made += fresh.length;
          if (abort.signal.aborted) return;
          tokens.push(...fresh);
          if (tokens.length === cancelledAfter) abort.abort();
          arrive();
        },
      })
      .then(
        (answer) => answer.tokens,
        (error: { code?: string }) => {
          expect(error.code).toBe('cancelled');
          return tokens;
        },
      );
  };
  arrive = () => {
    planned.forEach((each, i) => {
      // When nothing runs any more, nothing would make the next one come.
      const idle = started.size > 0 && !model.isBusy;
      if (started.has(i) || (each.arrives > made && !idle)) return;
      started.add(i);
      answers[i] = start(each).finally(() => arrive());
    });
  };
  planned.forEach((each, i) => {
    if (started.size < 2 && each.arrives > 0) {
      started.add(i);
      answers[i] = start(each).finally(() => arrive());
    }
  });
  while (started.size < planned.length) {
    await Promise.race(answers.filter(Boolean));
    await Promise.all(answers.filter(Boolean));
    arrive();
  }
  return Promise.all(answers);
}

describe('generations that decode together', () => {
  it.each([1, 2, 3])(
    'are what they are alone, whatever their lengths, arrivals, cancels and seeds (%d)',
    async (seed) => {
      const planned = plan(seed);
      const answers = await together(planned);
      let most = 0;
      for (const [i, { request, cancelledAfter }] of planned.entries()) {
        const alone = await model.generate(request);
        expect(alone.averageBatchSize).toBeLessThanOrEqual(1);
        most = Math.max(most, answers[i]?.length ?? 0);
        const expected =
          cancelledAfter !== undefined && cancelledAfter < alone.tokens.length
            ? alone.tokens.slice(0, cancelledAfter)
            : alone.tokens;
        expect(answers[i]).toEqual(expected);
      }
      expect(most).toBeGreaterThan(20);
    },
    60_000,
  );
});
