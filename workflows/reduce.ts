/**
 * From captions to one summary: captions → sections → summary, level by level, each prompt within the limits
 * of the model.
 */
import type { ModelPlan } from '../schema/model-plan.ts';
import { type MergeOutcome, shardPosition } from '../schema/shards.ts';
import type { JobRef, MergedState, ReduceOutput } from '../schema/stages.ts';
import type { JobOptions } from '../schema/stored-request.ts';
import { generationUsage, type Prices, sumUsage } from '../schema/usage-cost.ts';
import { gpu, local } from './activities.ts';
import { sweep } from './bounded.ts';
import { isLong } from './chain.ts';
import type { EventLog } from './event-log.ts';
import type { Repair } from './repair.ts';

/** Merges in flight at once. */
const MAX_CONCURRENT_MERGES = 16;

/** Whether a single text is left. */
export function isFullyMerged({ levels, next }: MergedState): boolean {
  return levels.at(-1) === 1 && next === 1;
}

export interface MergeJob {
  readonly ref: JobRef;
  /** Number of segments. */
  readonly segments: number;
  readonly options: JobOptions;
  readonly model: ModelPlan;
  readonly prices: Prices | undefined;
  readonly log: EventLog;
  readonly repair: Repair;
}

/** Merges one level, or the rest of it after `state`, until it is done or the history is long. */
export async function mergeLevel(job: MergeJob, state: MergedState | undefined): Promise<MergedState> {
  const { ref, options, model, prices, log, repair } = job;
  const { levels, next: from } = await planLevel(job, state);
  const level = levels.length - 1;
  const groups = levels[level] ?? 0;
  const maxTokens = options.max_tokens ?? model.tokens.summary;
  let last = textOf(state);
  let done = from;
  const next = await sweep({
    from,
    total: groups,
    limit: MAX_CONCURRENT_MERGES,
    isEnough: isLong,
    work: mergeGroup,
    keep: (shard, entries) => {
      last = textOf(entries.at(-1));
      return local.storeShard({ ...ref, kind: `merged-${level}`, shard, entries });
    },
  });
  return { levels, next, ...last };

  async function mergeGroup(index: number): Promise<MergeOutcome> {
    const merged = await reduce(index);
    const { title, jobTitle } = merged;
    const made = [
      ...(merged.isUnchanged ? [] : [merged]),
      ...(title ? [title] : []),
      ...(jobTitle ? [jobTitle] : []),
    ];
    const usage = sumUsage(made.map((generation) => generationUsage(prices, generation)));
    log.addUsage(usage);
    done += 1;
    if (level === 0)
      log.emit(
        // Without its title, which is checked against the evidence at the end.
        { type: 'chapter.completed', chapter: { index } },
        { percent: 85 + (8 * done) / groups },
      );
    return {
      text: merged.generation,
      ...(title ? { title: title.generation } : {}),
      ...(jobTitle ? { jobTitle: jobTitle.generation } : {}),
      generations: made.map(({ generation }) => generation),
      usage,
    };
  }

  function reduce(index: number): Promise<ReduceOutput> {
    const kind = level === 0 ? 'section' : 'summary';
    const isLast = groups === 1;
    const input = {
      ...ref,
      ...shardPosition(index),
      kind,
      level,
      maxTokens,
      ...(isLast ? { isLast } : {}),
    } as const;
    return repair.run(levels.slice(0, level), ({ allowMissing }) =>
      gpu.reduce({ ...input, ...(allowMissing ? { allowMissing } : {}) }),
    );
  }
}

/** The level in progress, or the next one. */
async function planLevel(
  { ref, segments, model, log }: MergeJob,
  state: MergedState | undefined,
): Promise<MergedState> {
  const below = state?.levels.at(-1);
  if (state && below !== undefined && state.next < below) return state;
  const { groups } = await local.planMerges({
    ...ref,
    level: state?.levels.length ?? 0,
    entries: below ?? segments,
    model,
  });
  if (state === undefined)
    log.emit({ type: 'reduce.started', sections: groups }, { stage: 'reduce', percent: 85 });
  return { levels: [...(state?.levels ?? []), groups], next: 0 };
}

function textOf(merged: Pick<MergedState, 'text' | 'jobTitle'> = {}): Pick<MergedState, 'text' | 'jobTitle'> {
  const { text, jobTitle } = merged;
  return { ...(text === undefined ? {} : { text }), ...(jobTitle === undefined ? {} : { jobTitle }) };
}
