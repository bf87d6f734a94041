/** Groups the inputs of one level of merging: captions of adjacent segments, or texts of the level below. */

import type { WorkflowActivities } from '../schema/activities.ts';
import {
  type DescribedSegment,
  ENTRIES_PER_SHARD,
  type MergeGroup,
  type MergeOutcome,
  type MergeShard,
  type SegmentOutcome,
} from '../schema/shards.ts';
import type { PlanMergesInput } from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { mergeGroups } from '../summary/plan.ts';
import { putShard, readEntryShards, readRequest, readShards } from './lib/index.ts';

export function createPlanMerges({
  store,
}: {
  readonly store: ArtifactStore;
}): WorkflowActivities['planMerges'] {
  return async (input) => {
    const groups = input.level === 0 ? await sections(input) : await parts(input);
    const { prompt: focus, summary_prompt: instruction } = await readRequest(store, input.jobId);
    const promptContext = {
      model: input.model,
      ...(focus === undefined ? {} : { focus }),
      ...(instruction === undefined ? {} : { instruction }),
    };
    for (let shard = 0; shard * ENTRIES_PER_SHARD < groups.length; shard += 1) {
      const own = groups.slice(shard * ENTRIES_PER_SHARD, (shard + 1) * ENTRIES_PER_SHARD);
      const content: MergeShard = { ...promptContext, groups: own };
      await putShard(store, input, `groups-${input.level}`, shard, content);
    }
    return { groups: groups.length };
  };

  async function sections(input: PlanMergesInput): Promise<readonly MergeGroup[]> {
    const described: DescribedSegment[] = [];
    const shards = readEntryShards<SegmentOutcome>(store, input, 'described', input.entries);
    for await (const shard of shards)
      for (const outcome of shard) if ('generation' in outcome) described.push(outcome);
    const items = described.map(({ distinctCaptions, firstCaptionHash }, index) => ({
      lines: Math.max(1, distinctCaptions),
      continues: firstCaptionHash !== undefined && firstCaptionHash === described[index - 1]?.lastCaptionHash,
    }));
    return mergeGroups(items, input.model.merge.captions).map(({ first, last }) => ({
      first: described[first]?.index ?? 0,
      last: described[last]?.index ?? input.entries,
      inputs: described.slice(first, last).map(({ generation }) => generation),
    }));
  }

  async function parts(input: PlanMergesInput): Promise<readonly MergeGroup[]> {
    const below = input.level - 1;
    const texts: string[] = [];
    for await (const shard of readEntryShards<MergeOutcome>(store, input, `merged-${below}`, input.entries))
      texts.push(...shard.map(({ text }) => text));
    const spans: Pick<MergeGroup, 'first' | 'last'>[] = [];
    for await (const { groups } of readShards<MergeShard>(store, input, `groups-${below}`, input.entries))
      spans.push(...groups);
    const groups = mergeGroups(
      texts.map(() => ({ lines: 1 })),
      input.model.merge.parts,
    );
    return groups.map(({ first, last }) => ({
      first: spans[first]?.first ?? 0,
      last: spans[last - 1]?.last ?? 0,
      inputs: texts.slice(first, last),
    }));
  }
}
