/** Creates the activities of each task queue. */

import type {
  CpuActivities,
  GarbageActivities,
  GpuActivities,
  WorkflowActivities,
} from '../schema/activities.ts';
import type { ScheduleActivities } from '../schema/batch-schedule.ts';
import type { BatchActivities, BatchFileActivities } from '../schema/batch-stages.ts';
import type { EstimateActivities } from '../schema/estimate.ts';
import type { ArtifactStore } from '../store/artifact-store.ts';
import { createAppendEvents } from './append-events.ts';
import { type CollectDeps, createCollectGarbage } from './collect-garbage.ts';
import { createDescribeSegment } from './describe-segment.ts';
import { createEstimateCosts } from './estimate-costs.ts';
import { createExtractFrames } from './extract-frames.ts';
import { createFindMissing } from './find-missing.ts';
import { createFinish } from './finish.ts';
import { createFinishBatch } from './finish-batch.ts';
import { createIngest, type IngestDeps } from './ingest.ts';
import {
  createMemoryOnlyFeatureCache,
  createModelLock,
  createStoredFeatureCache,
  createStoreShard,
  forEachJob,
  type GpuContext,
  withTypedFailures,
} from './lib/index.ts';
import { createMatchSlides } from './match-slides.ts';
import { createPlan } from './plan.ts';
import { createPlanMerges } from './plan-merges.ts';
import { createPrepareFiring } from './prepare-firing.ts';
import { createPreprocessFrames } from './preprocess-frames.ts';
import { createReadBatchLines } from './read-batch-lines.ts';
import { createReadTranscript, type TranscriptDeps } from './read-transcript.ts';
import { createReduce } from './reduce.ts';
import { createSettleJobs, type SettleDeps } from './settle-jobs.ts';

export { HEARTBEAT_INTERVAL_MS } from './lib/index.ts';

export type CpuDeps = IngestDeps & TranscriptDeps;

/** Creates the activities of the `cpu` queue. */
export function createCpuActivities(
  deps: CpuDeps,
): CpuActivities & EstimateActivities & BatchFileActivities & ScheduleActivities {
  const ofJobs = forEachJob(deps.store, (store) => {
    const own = { ...deps, store };
    return {
      ingest: createIngest(own),
      extractFrames: createExtractFrames(own),
      readTranscript: createReadTranscript(own),
      matchSlides: createMatchSlides(own),
      plan: createPlan(own),
      preprocessFrames: createPreprocessFrames(own),
      findMissing: createFindMissing(own),
      finish: createFinish(own),
      estimateCosts: createEstimateCosts(own),
    };
  });
  return withTypedFailures({
    ...ofJobs,
    finishBatch: createFinishBatch(deps),
    prepareFiring: createPrepareFiring(deps),
  });
}

export interface GpuDeps extends Pick<GpuContext, 'store' | 'profile' | 'generator' | 'observer'> {
  /** Folder for temporary files of an activity. */
  readonly scratch: string;
  /** Whether image features are stored, so that no worker computes them twice. */
  readonly keepFeatures: boolean;
}

/** Creates the activities of the `gpu` queue, which share one model. */
export function createGpuActivities(deps: GpuDeps): GpuActivities {
  const { scratch, keepFeatures } = deps;
  const modelLock = createModelLock();
  const ofJobs = forEachJob(deps.store, (store) => {
    const featureCache = keepFeatures
      ? createStoredFeatureCache(store, scratch)
      : createMemoryOnlyFeatureCache(store);
    const own: GpuContext = { ...deps, store, modelLock, featureCache };
    return { describeSegment: createDescribeSegment(own), reduce: createReduce(own) };
  });
  return withTypedFailures(ofJobs);
}

/** Creates the activities of the `workflow` queue. */
export function createWorkflowActivities(deps: { readonly store: ArtifactStore }): WorkflowActivities {
  const ofJobs = forEachJob(deps.store, (store) => ({
    appendEvents: createAppendEvents({ store }),
    storeShard: createStoreShard({ store }),
    planMerges: createPlanMerges({ store }),
  }));
  return withTypedFailures(ofJobs);
}

/** Creates the activities that run the lines of batches. */
export function createBatchActivities(deps: SettleDeps): BatchActivities {
  return withTypedFailures({
    readBatchLines: createReadBatchLines(deps),
    settleJobs: createSettleJobs(deps),
  });
}

/** Creates the activity that deletes expired artifacts. */
export function createGarbageActivities(deps: CollectDeps): GarbageActivities {
  return withTypedFailures({ collectGarbage: createCollectGarbage(deps) });
}

export { MODEL_ERRORS } from './lib/index.ts';
export type { SettleDeps } from './settle-jobs.ts';
