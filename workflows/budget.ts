/**
 * `max_cost`: decides before each segment whether it may begin. What is under way is counted with the most it can take, and so is the
 * merging of all that is described by then: what has begun can be finished within the cap.
 */

import type { ModelPlan } from '../schema/model-plan.ts';
import { type Consumption, costOf, type Prices } from '../schema/money.ts';
import type { PlanOutput } from '../schema/stages.ts';
import type { JobOptions } from '../schema/stored-request.ts';
import { mostOfMerging } from '../summary/merge-bound.ts';
import type { Journal } from './event-log.ts';

export interface Budget {
  /** Waits, in the order of the calls, until it is certain whether one more segment may begin. After one that may not, none may. */
  admit(): Promise<boolean>;
  /** A segment that was admitted has ended, however it did. */
  release(gpuSeconds: number): void;
}

/** Undefined where the request sets no cap. */
export function openBudget(
  options: JobOptions,
  model: ModelPlan,
  prices: Prices | undefined,
  { segments, frames, maxSegmentTokens }: PlanOutput,
  journal: Journal,
  before: { readonly next: number; readonly done: number } | undefined,
): Budget | undefined {
  const cap = options.max_cost;
  if (cap === undefined || prices === undefined) return undefined;
  const tokens = maxSegmentTokens ?? { inputTokens: model.promptTokens, outputTokens: model.promptTokens };
  let described = before?.done ?? 0;
  let underWay = 0;
  let stopped = false;
  /** Of a segment, by those of this run so far. How long the first one takes nobody knows. */
  let seconds = prices.gpuSecond === 0 ? 0 : undefined;
  const waiting: ((mayBegin: boolean) => void)[] = [];

  function fits(): boolean {
    if (seconds === undefined && underWay > 0) return false;
    const begun = described + underWay + 1;
    const gpuSeconds = seconds ?? 0;
    const merging = mostOfMerging(begun, Math.ceil((begun * frames) / Math.max(1, segments)), model, options);
    const open: Consumption = { ...tokens, gpuSeconds };
    return (
      journal.spent() +
        costOf(prices, open) * (underWay + 1) +
        costOf(prices, {
          ...merging,
          // Without pictures most of the time goes into the answer.
          gpuSeconds: (gpuSeconds * merging.outputTokens) / Math.max(1, tokens.outputTokens),
        }) <=
      (cap ?? 0)
    );
  }

  /**
   * Answers those who wait, as far as there is an answer. By promises alone: when a `condition` is looked at depends on how answers come in,
   * which a replay need not repeat.
   */
  function decide(): void {
    while (waiting.length > 0) {
      const fitting = !stopped && fits();
      // What is under way usually takes less than is set aside for it: there may be room once it has ended.
      if (!stopped && !fitting && underWay > 0) return;
      stopped ||= !fitting;
      if (!stopped) underWay += 1;
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
      underWay -= 1;
      described += 1;
      // One that was found says nothing of those that have to be made.
      if (gpuSeconds > 0) seconds = Math.max(seconds ?? 0, gpuSeconds);
      decide();
    },
  };
}
