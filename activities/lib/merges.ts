/** The results of merging: the sections of a job, and the totals of all levels. */

import type { MergeOutcome, MergeShard } from '../../schema/shards.ts';
import type { JobRef, TokenUsage } from '../../schema/stages.ts';
import { NO_USAGE, sumUsage, type UsageCost } from '../../schema/usage-cost.ts';
import type { ArtifactStore } from '../../store/artifact-store.ts';
import type { MergedSection } from '../../summary/stitch-input.ts';
import { type GenerationArtifact, readGeneration } from './generation.ts';
import { getShard, readEntryShards } from './shards.ts';

export interface MergeResults {
  readonly sections: readonly MergedSection[];
  /** Finish reason of each text. */
  readonly finishReasons: readonly GenerationArtifact['finishReason'][];
  readonly usage: Pick<TokenUsage, 'inputTokens' | 'outputTokens'>;
  /** What the merges are charged with. */
  readonly charged: UsageCost;
}

/**
 * Reads the levels one by one; `levels` says how many groups each has. With `allowMissing` a text that is
 * missing is empty.
 */
export async function readMergeResults(
  store: ArtifactStore,
  ref: JobRef,
  levels: readonly number[],
  allowMissing: true | undefined,
): Promise<MergeResults> {
  const sections: MergedSection[] = [];
  const finishReasons: GenerationArtifact['finishReason'][] = [];
  const usage = { inputTokens: 0, outputTokens: 0 };
  let charged = NO_USAGE;
  for (const [level, groups] of levels.entries()) {
    let shard = 0;
    for await (const outcomes of readEntryShards<MergeOutcome>(store, ref, `merged-${level}`, groups)) {
      const plan = level === 0 ? await getShard<MergeShard>(store, ref, 'groups-0', shard) : undefined;
      for (const [at, outcome] of outcomes.entries()) {
        charged = sumUsage([charged, outcome.usage]);
        const made = await Promise.all(
          outcome.generations.map((name) => readGeneration(store, name, allowMissing)),
        );
        for (const generation of made) {
          if (generation === undefined) continue;
          usage.inputTokens += generation.usage.inputTokens;
          usage.outputTokens += generation.usage.outputTokens;
          if (generation.kind !== 'title') finishReasons.push(generation.finishReason);
        }
        const group = plan?.groups[at];
        if (!group) continue;
        const [text, title] = made;
        const { first, last } = group;
        sections.push({ first, last, title: title?.lines[0] ?? '', text: text?.lines.join(' ') ?? '' });
      }
      shard += 1;
    }
  }
  return { sections, finishReasons, usage, charged };
}
