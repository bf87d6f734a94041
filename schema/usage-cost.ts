/** What work consumes and what that costs: one type for a generation, a job, a batch and a tenant. */

/**
 * Prices of the CPU worker that ingests a job. They stay with the job: a change of the settings does not change the cost of a job
 * in progress. Amounts are in units of `currency`; any of them may be 0.
 */
export interface Prices {
  readonly currency: string;
  /** Per million prompt tokens, image tokens included. */
  readonly input: number;
  /** Per million generated tokens. */
  readonly output: number;
  readonly gpuSecond: number;
}

/** Tokens, seconds and their cost. A job records it in its memo, so that it is known for failed jobs as well. */
export interface UsageCost {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Time the model was busy, in seconds. */
  readonly gpuSeconds: number;
  /** Duration of the requested video, in seconds; 0 for a single generation. */
  readonly videoSeconds: number;
  /** In units of `currency`; 0 without prices. */
  readonly cost: number;
  /** Absent without prices. */
  readonly currency?: string;
}

/** The part of the usage that has a price. */
export type PricedUsage = Pick<UsageCost, 'inputTokens' | 'outputTokens' | 'gpuSeconds'>;

/** Statistics of one generation, measured in the attempt that returned it. */
export interface GenerationStats {
  /** Number of this attempt, from 1. */
  readonly attempts: number;
  /** Whether the generation was found in the store instead of made. */
  readonly cached: boolean;
  readonly gpuSeconds: number;
  /** Images for which the vision graph ran. */
  readonly visionCalls: number;
  /** Average number of generations that decoded together with this one, itself included; 0 without a decode step. */
  readonly rows: number;
  /** What ran the model, such as `onnxruntime-node 1.30.0 cpu`. */
  readonly runtime: string;
  /** Tokens of the generation, whether it was made or found; absent where no model was called. */
  readonly inputTokens?: number;
  readonly outputTokens?: number;
}

export const NO_USAGE: UsageCost = {
  inputTokens: 0,
  outputTokens: 0,
  gpuSeconds: 0,
  videoSeconds: 0,
  cost: 0,
};

/** Adds usages. The sum of usages in two currencies has the currency of the last one. */
export function sumUsage(usages: Iterable<UsageCost | undefined>): UsageCost {
  let sum = NO_USAGE;
  for (const usage of usages) {
    if (usage === undefined) continue;
    sum = {
      ...sum,
      inputTokens: sum.inputTokens + usage.inputTokens,
      outputTokens: sum.outputTokens + usage.outputTokens,
      gpuSeconds: roundToMillis(sum.gpuSeconds + usage.gpuSeconds),
      videoSeconds: roundToMillis(sum.videoSeconds + usage.videoSeconds),
      cost: roundCost(sum.cost + usage.cost),
      ...(usage.currency === undefined ? {} : { currency: usage.currency }),
    };
  }
  return sum;
}

/** Adds the cost to an amount of work; the cost is 0 without prices. */
export function priceUsage(prices: Prices | undefined, amounts: PricedUsage): UsageCost {
  const { inputTokens, outputTokens, gpuSeconds } = amounts;
  const usage = { ...NO_USAGE, inputTokens, outputTokens, gpuSeconds };
  if (!prices) return usage;
  const tokens = (inputTokens * prices.input + outputTokens * prices.output) / 1e6;
  return {
    ...usage,
    cost: roundCost(tokens + gpuSeconds * prices.gpuSecond),
    currency: prices.currency,
  };
}

/**
 * The usage a generation is charged with. A generation of another job or run is free. One that a later attempt finds was made by an
 * attempt that died before it returned: it is charged like any other, so that a killed worker changes no sum.
 */
export function generationUsage(prices: Prices | undefined, stats: GenerationStats): UsageCost {
  const { attempts, cached, gpuSeconds, inputTokens = 0, outputTokens = 0 } = stats;
  const isFree = cached && attempts <= 1;
  const made = { inputTokens, outputTokens, gpuSeconds: roundToMillis(gpuSeconds) };
  return priceUsage(prices, isFree ? NO_USAGE : made);
}

/** Rounds to a billionth, far below any coin, so that a sum does not depend on the order of its parts. */
function roundCost(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}

function roundToMillis(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
