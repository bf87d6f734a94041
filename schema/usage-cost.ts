/** Usage and its cost: one type for a generation, a job, a batch and a tenant. */

/**
 * Prices of the CPU worker that ingests a job. They are stored with the job: a change of the settings does
 * not affect jobs in progress. Amounts are in units of `currency`; any of them may be 0.
 */
export interface Prices {
  readonly currency: string;
  /** Per million prompt tokens, image tokens included. */
  readonly input: number;
  /** Per million generated tokens. */
  readonly output: number;
  readonly gpuSecond: number;
}

/** Tokens, seconds and their cost. Recorded in the memo of a job, so it is also available for failed jobs. */
export interface UsageCost {
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** GPU time in seconds. */
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
  /** Whether the generation was found in the store, so the model was not run. */
  readonly cached: boolean;
  readonly gpuSeconds: number;
  /** Number of images that the vision encoder processed. */
  readonly visionCalls: number;
  /** Average decode batch size, including this generation; 0 without a decode step. */
  readonly rows: number;
  /** The inference runtime, such as `onnxruntime-node 1.30.0 cpu`. */
  readonly runtime: string;
  /** Tokens of the generation, whether new or cached; absent if no model was called. */
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

/** Returns the usage of an amount of work with its cost, which is 0 without prices. */
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
 * Returns the charged usage of a generation. A cached generation of another job or run is free. A generation
 * that a later attempt finds in the store was made by an attempt whose worker died. It is charged, so a
 * killed worker does not change the total.
 */
export function generationUsage(prices: Prices | undefined, stats: GenerationStats): UsageCost {
  const { attempts, cached, gpuSeconds, inputTokens = 0, outputTokens = 0 } = stats;
  const isFree = cached && attempts <= 1;
  const made = { inputTokens, outputTokens, gpuSeconds: roundToMillis(gpuSeconds) };
  return priceUsage(prices, isFree ? NO_USAGE : made);
}

/** Rounds to a billionth, so a sum does not depend on the order of its terms. */
function roundCost(amount: number): number {
  return Math.round(amount * 1e9) / 1e9;
}

function roundToMillis(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
