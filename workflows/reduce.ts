/** From captions to one summary: captions → sections → summary, level by level, each prompt within the model's means. */

import type { ModelPlan } from '../schema/model-plan.ts';
import { type Consumption, chargedOf, costOf, type Prices, plus } from '../schema/money.ts';
import type { MergeOutcome } from '../schema/shards.ts';
import type { JobRef, MergedState, ReduceOutput } from '../schema/stages.ts';
import type { JobOptions } from '../schema/stored-request.ts';
import { cpu, gpu, local } from './activities.ts';
import { sweep } from './bounded.ts';
import { isLong } from './chain.ts';
import type { Journal } from './event-log.ts';
import { type Mender, placeOf } from './repair.ts';

/** Merges under way at once. */
const REDUCE_AT_ONCE = 16;

/** Whether one text is left. */
export function isMerged({ levels, next }: MergedState): boolean {
  return levels.at(-1) === 1 && next === 1;
}

/** Merges one level of `segments` segments, or what `state` left of it, until it is done or the history is long. */
export async function mergeLevel(
  segments: number,
  options: JobOptions,
  model: ModelPlan,
  ref: JobRef,
  state: MergedState | undefined,
  journal: Journal,
  { mend }: Mender,
  prices: Prices | undefined,
): Promise<MergedState> {
  const { levels, next: from } = await plan();
  const level = levels.length - 1;
  const groups = levels[level] ?? 0;
  const maxTokens = options.max_tokens ?? model.tokens.summary;
  let text = state?.text;
  let done = from;
  const next = await sweep({
    from,
    total: groups,
    limit: REDUCE_AT_ONCE,
    isEnough: isLong,
    work: level === 0 ? section : merge,
    keep: (shard, entries) => {
      text = entries.at(-1)?.text;
      return local.storeShard({ ...ref, kind: `merged-${level}`, shard, entries });
    },
  });
  return { levels, next, ...(text === undefined ? {} : { text }) };

  /** The level that is under way, or the next one. */
  async function plan(): Promise<MergedState> {
    const below = state?.levels.at(-1);
    if (state && below !== undefined && state.next < below) return state;
    const planned = await cpu.planMerges({
      ...ref,
      level: state?.levels.length ?? 0,
      entries: below ?? segments,
      model,
    });
    if (state === undefined) {
      const sections = planned.groups;
      journal.emit({ type: 'reduce.started', sections }, { stage: 'reduce', percent: 85 });
    }
    return { levels: [...(state?.levels ?? []), planned.groups], next: 0 };
  }

  async function section(index: number): Promise<MergeOutcome> {
    const { title, ...written } = await ask(index, 'section');
    done += 1;
    journal.emit(
      { type: 'chapter.completed', chapter: { index, title: title?.text ?? '' } },
      { percent: 85 + (8 * done) / groups },
    );
    return {
      text: written.generation,
      ...(title ? { title: title.generation } : {}),
      generations: [written.generation, ...(title ? [title.generation] : [])],
      gpuSeconds: written.gpuSeconds + (title?.gpuSeconds ?? 0),
      ...charge(title ? plus(chargedOf(written), chargedOf(title)) : chargedOf(written)),
    };
  }

  async function merge(index: number): Promise<MergeOutcome> {
    const { generation, isUnchanged, ...cost } = await ask(index, 'summary');
    const { gpuSeconds } = cost;
    return {
      text: generation,
      generations: isUnchanged ? [] : [generation],
      gpuSeconds,
      ...charge(chargedOf(cost)),
    };
  }

  function charge(charged: Consumption): Pick<MergeOutcome, 'charged' | 'cost'> {
    journal.charge(charged, prices);
    return { charged, cost: costOf(prices, charged) };
  }

  function ask(index: number, kind: 'section' | 'summary'): Promise<ReduceOutput> {
    const input = { ...ref, ...placeOf(index), kind, level, maxTokens };
    return mend(levels.slice(0, level), ({ lossy }) =>
      gpu.reduce({ ...input, ...(lossy ? { allowMissing: lossy } : {}) }),
    );
  }
}
