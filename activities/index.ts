/** The activities of each queue, built from what a worker process has. */
import type {
  CpuActivities,
  GarbageActivities,
  GpuActivities,
  WorkflowActivities,
} from '../schema/stages.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { createAppendEvents } from './append-events.ts';
import { type CollectDeps, createCollectGarbage } from './collect-garbage.ts';
import { createDescribeSegment } from './describe-segment.ts';
import { createExtractFrames } from './extract-frames.ts';
import { withTypedFailures } from './failures.ts';
import { createFinish } from './finish.ts';
import { createIngest, type IngestDeps } from './ingest.ts';
import { createMatchSlides } from './match-slides.ts';
import type { GpuDeps } from './model.ts';
import { createPlan } from './plan.ts';
import { createPlanMerges } from './plan-merges.ts';
import { createPreprocessFrames } from './preprocess-frames.ts';
import { createReadWords, type WordsDeps } from './read-words.ts';
import { createReduce } from './reduce.ts';
import { createKeepShard } from './shards.ts';
import { createTurns } from './turns.ts';

export type { GpuDeps } from './model.ts';

export type CpuDeps = IngestDeps & WordsDeps;

export function createCpuActivities(deps: CpuDeps): CpuActivities {
  return withTypedFailures({
    ingest: createIngest(deps),
    extractFrames: createExtractFrames(deps),
    readWords: createReadWords(deps),
    matchSlides: createMatchSlides(deps),
    plan: createPlan(deps),
    preprocessFrames: createPreprocessFrames(deps),
    planMerges: createPlanMerges(deps),
    finish: createFinish(deps),
  });
}

export function createGpuActivities(deps: GpuDeps): GpuActivities {
  const shared: GpuDeps = { ...deps, turns: createTurns() };
  return withTypedFailures({ describeSegment: createDescribeSegment(shared), reduce: createReduce(shared) });
}

export function createWorkflowActivities(deps: { readonly store: ArtifactStore }): WorkflowActivities {
  return withTypedFailures({
    appendEvents: createAppendEvents(deps),
    keepShard: createKeepShard(deps),
  });
}

export function createGarbageActivities(deps: CollectDeps): GarbageActivities {
  return withTypedFailures({ collectGarbage: createCollectGarbage(deps) });
}
