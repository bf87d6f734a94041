/** Activities that only answer, for tests of what the workflow decides. */

import type { CpuActivities, GpuActivities, WorkflowActivities } from '../../schema/activities.ts';
import type { ModelPlan } from '../../schema/model-plan.ts';
import { ENTRIES_PER_SHARD, type ShardKind } from '../../schema/shards.ts';
import type { FinishInput, StoreShardInput } from '../../schema/stages.ts';

export const SHA = 'a'.repeat(64);

export const model: ModelPlan = {
  name: 'm',
  revision: 'r',
  crops: 1,
  maxImages: 4,
  promptTokens: 4096,
  merge: { captions: 4, parts: 3 },
  tokens: { captionPerImage: 64, summary: 512, title: 24 },
  evidence: 1,
  maxQuotedTokens: 0,
};

const cost = { attempts: 1, cached: false, gpuSeconds: 0.1, visionCalls: 0, rows: 1, runtime: 'test' };

export interface Answers {
  readonly cpu: CpuActivities & Pick<WorkflowActivities, 'planMerges'>;
  readonly gpu: GpuActivities;
  /** What `finish` was called with. */
  readonly finished: FinishInput[];
}

/** A deck of `pages` slides through every stage, four slides to a segment; tests replace single activities. */
export function answers(pages: number): Answers {
  const finished: FinishInput[] = [];
  return {
    finished,
    cpu: {
      ingest: async () => ({
        source: { type: 'deck', sha256: SHA, bytes: 1, pages },
        artifact: `sources/${SHA}`,
        slides: [[1, pages]],
        options: { sampling: { mode: 'adaptive', fps: 1, max_frames: 600 }, mergePromptLength: 0 },
        model,
      }),
      extractFrames: async ({ span }) => ({
        extraction: `extractions/${span.kind === 'slides' ? span.slides[0] : ''}.json`,
        kept: span.kind === 'slides' ? span.slides.length : 0,
        dropped: 0,
        gaps: 0,
      }),
      readTranscript: async () => ({}),
      matchSlides: async () => ({ slideMatches: 'slide-matches/x.json' }),
      plan: async () => ({ segments: Math.ceil(pages / model.maxImages), frames: pages }),
      preprocessFrames: async () => ({ failures: [] }),
      planMerges: async ({ level, entries }) => ({
        groups: level === 0 ? entries : Math.ceil(entries / model.merge.parts),
      }),
      findMissing: async () => ({ missing: [] }),
      finish: async (input) => {
        finished.push(input);
        return { result: { name: 'jobs/x/result.json', sha256: SHA }, ledger: 'jobs/x/ledger.json' };
      },
    },
    gpu: {
      describeSegment: async () => ({
        ...cost,
        generation: `generations/${SHA}.json`,
        distinctCaptions: model.maxImages,
        firstCaptionHash: SHA.slice(0, 16),
        lastCaptionHash: SHA.slice(0, 16),
      }),
      reduce: async ({ kind, isLast }) => ({
        ...cost,
        generation: `generations/${SHA}.json`,
        ...(kind === 'section' ? { title: { ...cost, generation: `generations/${SHA}.json` } } : {}),
        ...(isLast ? { jobTitle: { ...cost, generation: `generations/${SHA}.json` } } : {}),
      }),
    },
  };
}

/** What a job kept, by kind: its entries in the order of their numbers. */
export class KeptShards {
  readonly #shards = new Map<string, readonly unknown[]>();

  keep({ kind, shard, entries }: StoreShardInput): void {
    this.#shards.set(`${kind} ${shard}`, entries);
  }

  /** Entries of all shards of a kind. */
  all(kind: ShardKind): readonly unknown[] {
    const found: unknown[] = [];
    for (let shard = 0; ; shard += 1) {
      const entries = this.#shards.get(`${kind} ${shard}`);
      if (!entries) return found;
      if (found.length !== shard * ENTRIES_PER_SHARD)
        throw new Error(`shard ${shard - 1} of ${kind} is not full`);
      found.push(...entries);
    }
  }
}

/** The number of the segment that an activity is called for. */
export function segmentOf({ shard, entry }: { readonly shard: number; readonly entry: number }): number {
  return shard * ENTRIES_PER_SHARD + entry;
}
