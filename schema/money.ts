/**
 * What work costs. Prices are those of the CPU worker that takes a job in, and stay with it: a change of the settings does not
 * change what a job under way costs.
 */

/** In units of `currency`; any of them may be 0. */
export interface Prices {
  readonly currency: string;
  /** Per million tokens of prompts, pictures included. */
  readonly input: number;
  /** Per million tokens of answers. */
  readonly output: number;
  readonly gpuSecond: number;
}

export interface Consumption {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly gpuSeconds: number;
}

/** What a run of a job has cost so far: kept in its memo, so that it is known of jobs that fail as well. */
export interface Spending extends Consumption {
  readonly cost: number;
  /** Absent where there are no prices; `cost` is 0 then. */
  readonly currency?: string;
  /** Seconds of video that were taken in. */
  readonly videoSeconds: number;
}

export const NOTHING_SPENT: Spending = {
  inputTokens: 0,
  outputTokens: 0,
  gpuSeconds: 0,
  cost: 0,
  videoSeconds: 0,
};

/** One generation, as its activity tells of it. */
interface Made {
  readonly attempts: number;
  readonly cached: boolean;
  readonly gpuSeconds: number;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

/**
 * What a generation is charged with: nothing where it was there before, from another job or another run. One that is found by a
 * later attempt was made by an attempt that died before it could say so: it is charged like any other, so that kills change no sum.
 */
export function chargedOf({ attempts, cached, gpuSeconds, inputTokens, outputTokens }: Made): Consumption {
  if (cached && attempts <= 1) return { inputTokens: 0, outputTokens: 0, gpuSeconds: 0 };
  return {
    inputTokens: inputTokens ?? 0,
    outputTokens: outputTokens ?? 0,
    gpuSeconds: Math.round(gpuSeconds * 1000) / 1000,
  };
}

/** 0 without prices. Rounded to a billionth, far below any coin, so that sums come out the same in any order. */
export function costOf(
  prices: Prices | undefined,
  { inputTokens, outputTokens, gpuSeconds }: Consumption,
): number {
  if (!prices) return 0;
  return roundMoney(
    (inputTokens * prices.input + outputTokens * prices.output) / 1e6 + gpuSeconds * prices.gpuSecond,
  );
}

export function roundMoney(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}

export function plus<T extends Consumption>(a: T, b: Consumption): T {
  return {
    ...a,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    gpuSeconds: Math.round((a.gpuSeconds + b.gpuSeconds) * 1000) / 1000,
  };
}

/** The sum of what several runs cost. A tenant whose jobs are priced in two currencies gets the later one named. */
export function sumSpending(all: Iterable<Spending | undefined>): Spending {
  let sum = NOTHING_SPENT;
  for (const one of all) {
    if (!one) continue;
    sum = {
      ...plus(sum, one),
      cost: roundMoney(sum.cost + one.cost),
      videoSeconds: roundSeconds(sum.videoSeconds + one.videoSeconds),
      ...(one.currency === undefined ? {} : { currency: one.currency }),
    };
  }
  return sum;
}

function roundSeconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
