/**
 * `max_cost`: decides before each segment whether it may start. A segment in flight counts with the most it
 * can cost, and so does the merging of all segments described by then: what has started can finish within the
 * limit.
 */

import type { ModelPlan } from '../schema/model-plan.ts';
import type { PlanOutput } from '../schema/stages.ts';
import type { JobOptions } from '../schema/stored-request.ts';
import { type PricedUsage, type Prices, priceUsage } from '../schema/usage-cost.ts';
import { maxMergeUsage } from '../summary/merge-bound.ts';
import type { EventLog } from './event-log.ts';

export interface Budget {
  /**
   * Waits, in the order of the calls, until it is known whether one more segment may start. After the first
   * `false` it always returns `false`.
   */
  admit(): Promise<boolean>;
  /** Reports that an admitted segment has ended, whatever its outcome. */
  release(gpuSeconds: number): void;
}

/** Returns undefined without `max_cost` or without prices. */
export function openBudget(
  options: JobOptions,
  model: ModelPlan,
  prices: Prices | undefined,
  { segments, frames, maxSegmentTokens }: PlanOutput,
  log: EventLog,
  before: { readonly next: number; readonly done: number } | undefined,
): Budget | undefined {
  const cap = options.max_cost;
  if (cap === undefined || prices === undefined) return undefined;
  const tokens = maxSegmentTokens ?? { inputTokens: model.promptTokens, outputTokens: model.promptTokens };
  let described = before?.done ?? 0;
  let running = 0;
  let stopped = false;
  /** Maximum GPU seconds of a segment of this run so far; undefined until the first one ends. */
  let secondsPerSegment = prices.gpuSecond === 0 ? 0 : undefined;
  const waiting: ((mayBegin: boolean) => void)[] = [];

  function fits(): boolean {
    if (secondsPerSegment === undefined && running > 0) return false;
    const started = described + running + 1;
    const gpuSeconds = secondsPerSegment ?? 0;
    const merging = maxMergeUsage(
      started,
      Math.ceil((started * frames) / Math.max(1, segments)),
      model,
      options,
    );
    const inFlight: PricedUsage = { ...tokens, gpuSeconds };
    return (
      log.totalCost() +
        priceUsage(prices, inFlight).cost * (running + 1) +
        priceUsage(prices, {
          ...merging,
          // Without images most of the time is spent on generated tokens.
          gpuSeconds: (gpuSeconds * merging.outputTokens) / Math.max(1, tokens.outputTokens),
        }).cost <=
      (cap ?? 0)
    );
  }

  /**
   * Resolves waiting calls as far as the decision is known. Uses promises only: when a `condition` is
   * evaluated depends on how activity results arrive, which a replay need not repeat.
   */
  function decide(): void {
    while (waiting.length > 0) {
      const fitting = !stopped && fits();
      // Segments usually cost less than their limit: there may be room once one has ended.
      if (!stopped && !fitting && running > 0) return;
      stopped ||= !fitting;
      if (!stopped) running += 1;
      waiting.shift()?.(!stopped);
    }
  }

  return {
    admit: () =>
      new Promise((resolve) => {
        waiting.push(resolve);
        decide();
      }),
    release(gpuSeconds) {
      running -= 1;
      described += 1;
      // A cached generation takes no GPU time and is no measure of the others.
      if (gpuSeconds > 0) secondsPerSegment = Math.max(secondsPerSegment ?? 0, gpuSeconds);
      decide();
    },
  };
}
