export { allExist, findJson, findVersioned, getJson, putJson } from './artifacts.ts';
export { batchReader } from './batch-reader.ts';
export { cropsOf } from './crops.ts';
export { type DeckDeps, prepareDeck } from './deck-parts.ts';
export { extractSlides } from './extract-slides.ts';
export { EXTRACTION_VERSION, type Extraction, type SlideGap, type TimeGap } from './extraction.ts';
export { permanentErrorOf, withTypedFailures } from './failures.ts';
export { createMemoryOnlyFeatureCache, createStoredFeatureCache } from './feature-cache.ts';
export {
  findGeneration,
  GENERATION_VERSION,
  type GenerationArtifact,
  generateOnce,
  readGeneration,
} from './generation.ts';
export { HEARTBEAT_INTERVAL_MS, withHeartbeat } from './heartbeat.ts';
export { type ListedImage, listImages } from './image-list.ts';
export { type JobFrames, readJobFrames } from './job-frames.ts';
export { forEachJob } from './job-store.ts';
export { type MergeResults, readMergeResults } from './merges.ts';
export { type GpuContext, modelPlan, requirePlannedModel } from './model.ts';
export { MODEL_ERRORS } from './model-errors.ts';
export { createModelLock } from './model-lock.ts';
export { recognizeSpeech, TRANSCRIPT_VERSION } from './recognize-speech.ts';
export { readRequest, readStoredRequest } from './request.ts';
export { promptText, readSlideRecords } from './segment-text.ts';
export {
  createShardReader,
  createStoreShard,
  extractionsOf,
  putShard,
  readEntryShards,
  readShards,
} from './shards.ts';
export { type SlideDeps, withSlides } from './slides.ts';
export { attachTexts, detachTexts } from './source-texts.ts';
export { findSource, type SourceDeps, type SourceRef } from './sources.ts';
export { readUsageSamples, recordUsageSample, type UsageSample } from './usage-samples.ts';
