/**
 * The state of one generation in the scheduler: its token ids, how many of them are in the KV cache, and its
 * counters.
 */
import type { Sampler, Sampling } from '../text/index.ts';
import type { StepRow } from './decoder.ts';
import type { ImageFeatures } from './features.ts';
import type { FinishReason } from './generator.ts';
import type { CacheRow } from './kv-cache.ts';

export interface ScheduledRequest {
  /** Token ids; negative numbers are image slots. */
  readonly promptIds: readonly number[];
  /** Return the features of each image, in order. May be called twice. */
  readonly images: readonly (() => Promise<ImageFeatures>)[];
  readonly maxTokens: number;
  /** The first output tokens, from an earlier run. */
  readonly resume: readonly number[];
  readonly sampling: Sampling;
}

export interface ScheduledHooks {
  readonly signal?: AbortSignal | undefined;
  /** Gets each new token. A returned reason ends the generation; the token is part of its output. */
  readonly onToken?: ((token: number) => FinishReason | undefined) | undefined;
}

export interface ScheduledGeneration {
  /** All output tokens, resumed ones included, without the stop token. */
  readonly tokens: readonly number[];
  readonly finishReason: FinishReason;
  /**
   * Time of the model: its own images and prefill chunks, and its share of the steps that it took part in.
   */
  readonly modelSeconds: number;
  /** Mean number of sequences in its steps; 0 without steps. */
  readonly averageBatchSize: number;
}

/**
 * Waiting → prefilling → decoding. At the rope switch it goes back to waiting once (see `createScheduler`).
 */
export interface Sequence {
  readonly request: ScheduledRequest;
  readonly hooks: ScheduledHooks;
  readonly sampler: Sampler;
  /** Prompt and output so far. */
  readonly ids: number[];
  /** Set while it prefills or decodes. */
  row: CacheRow | undefined;
  /** How many of `ids` are in the cache. */
  cachedIds: number;
  /** How many of `ids` are prefilled. The known ids after them go in one by one, by steps. */
  prefillIds: number;
  /** How many of the cached ids are image slots. */
  cachedSlots: number;
  /** Features of the first images; empty once they are in the cache. */
  features: ImageFeatures[];
  modelSeconds: number;
  steps: number;
  /** Sum of the batch sizes of its steps. */
  stepRows: number;
  readonly resolve: (generation: ScheduledGeneration) => void;
  readonly reject: (error: unknown) => void;
}

/** A part of the ids that is prefilled in one call. */
export interface PrefillChunk {
  readonly ids: readonly number[];
  /** Position of its first id. */
  readonly start: number;
  readonly slots: number;
  /** The next token is chosen after it. */
  readonly isLast: boolean;
}

export function createSequence(
  request: ScheduledRequest,
  hooks: ScheduledHooks,
  sampler: Sampler,
  { resolve, reject }: Pick<Sequence, 'resolve' | 'reject'>,
): Sequence {
  return {
    request,
    hooks,
    sampler,
    ids: [...request.promptIds, ...request.resume],
    row: undefined,
    cachedIds: 0,
    prefillIds: 0,
    cachedSlots: 0,
    features: [],
    modelSeconds: 0,
    steps: 0,
    stepRows: 0,
    resolve,
    reject,
  };
}

/** Most tokens that it can have in the cache. */
export function maxLength({ promptIds, maxTokens }: ScheduledRequest): number {
  return promptIds.length + maxTokens;
}

/** Whether it has so many ids that it needs the long rope factors. */
export function hasCrossed({ ids }: Sequence, ropeSwitch: number): boolean {
  return ids.length > ropeSwitch;
}

/** Waiting → prefilling, into an empty row. */
export function beginPrefill(sequence: Sequence, row: CacheRow, ropeSwitch: number): void {
  const promptLength = sequence.request.promptIds.length;
  // Exactly what an uninterrupted run has prefilled: its prompt, or everything up to the switch if it has
  // crossed it.
  sequence.prefillIds = hasCrossed(sequence, ropeSwitch)
    ? Math.max(promptLength, ropeSwitch + 1)
    : promptLength;
  sequence.cachedIds = 0;
  sequence.cachedSlots = 0;
  sequence.row = row;
}

export function nextChunk({ ids, cachedIds, prefillIds }: Sequence, maxChunkTokens: number): PrefillChunk {
  const chunk = ids.slice(cachedIds, Math.min(prefillIds, cachedIds + maxChunkTokens));
  return {
    ids: chunk,
    start: cachedIds,
    slots: chunk.reduce((count, id) => (id < 0 ? count + 1 : count), 0),
    isLast: cachedIds + chunk.length === ids.length,
  };
}

/** `chunk` is in the cache. Returns whether the prefill is complete. */
export function completeChunk(sequence: Sequence, { ids, slots }: PrefillChunk): boolean {
  sequence.cachedIds += ids.length;
  sequence.cachedSlots += slots;
  return sequence.cachedIds >= sequence.prefillIds;
}

/** Its row of the next step: the first id that is not in the cache. While it decodes there always is one. */
export function nextStepRow({ row, ids, cachedIds }: Sequence): readonly StepRow[] {
  const id = ids[cachedIds];
  return row === undefined || id === undefined ? [] : [{ row, id, position: cachedIds }];
}

/** A step has put one more id into the cache. Returns whether the next token is to be chosen. */
export function completeStep(sequence: Sequence, seconds: number, batchSize: number): boolean {
  sequence.modelSeconds += seconds / batchSize;
  sequence.steps += 1;
  sequence.stepRows += batchSize;
  sequence.cachedIds += 1;
  return sequence.cachedIds === sequence.ids.length;
}

/** Gives its row and the memory of its cache back. */
export function releaseRow(sequence: Sequence): void {
  sequence.row?.release();
  sequence.row = undefined;
}

export function outputLength({ ids, request }: Sequence): number {
  return ids.length - request.promptIds.length;
}

export function toGeneration(sequence: Sequence, finishReason: FinishReason): ScheduledGeneration {
  const { ids, request, modelSeconds, steps, stepRows } = sequence;
  return {
    tokens: ids.slice(request.promptIds.length),
    finishReason,
    modelSeconds,
    averageBatchSize: steps === 0 ? 0 : stepRows / steps,
  };
}
