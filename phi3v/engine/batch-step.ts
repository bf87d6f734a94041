/** The work of the scheduler between two admissions: one prefill chunk, or one step of all rows of a slab. */
import type { Admission } from './admission.ts';
import type { Decoder } from './decoder.ts';
import { sliceFeatures } from './features.ts';
import type { GenerationLimits } from './generation-limits.ts';
import type { CacheSlab } from './kv-cache.ts';
import {
  completeChunk,
  completeStep,
  maxLength,
  nextChunk,
  nextStepRow,
  outputLength,
  type Sequence,
} from './sequence.ts';

export interface BatchStep {
  /** Images, prefill chunks and steps run so far. */
  readonly progress: number;
  /** Runs one image or one prefill chunk of a sequence. */
  prefill(sequence: Sequence): Promise<void>;
  /** Adds one token to each of `sequences`: one step for each slab in which they have rows. */
  decode(sequences: Iterable<Sequence>): Promise<void>;
}

/**
 * Creates the steps of a batch. They never throw: a failure is reported to its sequences through `admission`.
 * One long function, because the steps share the progress count and the stop ids.
 */
export function createBatchStep(decoder: Decoder, limits: GenerationLimits, admission: Admission): BatchStep {
  const stopIds = new Set(limits.stopIds);
  let progress = 0;

  /** Returns logits when the sequence is prefilled and its next token is not known. */
  async function prefillNext(sequence: Sequence): Promise<Float32Array | undefined> {
    const { row, request, features, cachedSlots } = sequence;
    const loadFeatures = request.images[features.length];
    if (loadFeatures !== undefined) {
      features.push(await loadFeatures());
      return undefined;
    }
    if (row === undefined) throw new TypeError('a sequence without a row cannot be prefilled');
    const chunk = nextChunk(sequence, limits.prefillChunkTokens);
    const { ids, start, slots, isLast } = chunk;
    const logits = await decoder.prefill(row, {
      ids,
      start,
      features: sliceFeatures(features, cachedSlots, slots),
      wantLogits: isLast,
    });
    if (!completeChunk(sequence, chunk)) return undefined;
    sequence.features = [];
    admission.startDecoding(sequence);
    return logits;
  }

  async function decodeTogether(batch: readonly Sequence[]): Promise<void> {
    const startedMs = performance.now();
    try {
      const logits = await decoder.step(batch.flatMap(nextStepRow));
      progress += 1;
      const seconds = (performance.now() - startedMs) / 1000;
      for (const [i, sequence] of batch.entries()) {
        const isCurrent = completeStep(sequence, seconds, batch.length);
        const predicted = logits[i];
        if (isCurrent && predicted !== undefined) extend(sequence, predicted);
      }
    } catch (error) {
      for (const sequence of batch) admission.fail(sequence, error);
    }
  }

  /** Chooses the next token of a sequence whose ids are all in the cache. */
  function extend(sequence: Sequence, logits: Float32Array): void {
    const { request, hooks, ids, sampler, row } = sequence;
    try {
      const token = sampler.next(logits, ids, outputLength(sequence));
      if (stopIds.has(token)) {
        admission.finish(sequence, 'stop');
        return;
      }
      ids.push(token);
      const reason = hooks.onToken?.(token);
      const isFull = ids.length === maxLength(request);
      if (reason !== undefined || isFull) admission.finish(sequence, reason ?? 'length');
      else if (ids.length > limits.ropeSwitch && row?.slab.long === false) admission.requeue(sequence);
    } catch (error) {
      admission.fail(sequence, error);
    }
  }

  return {
    get progress() {
      return progress;
    },
    prefill: async (sequence) => {
      const startedMs = performance.now();
      let logits: Float32Array | undefined;
      try {
        logits = await prefillNext(sequence);
      } catch (error) {
        admission.fail(sequence, error);
      } finally {
        progress += 1;
        sequence.modelSeconds += (performance.now() - startedMs) / 1000;
      }
      if (logits !== undefined) extend(sequence, logits);
    },
    decode: async (sequences) => {
      for (const batch of groupBySlab(sequences)) await decodeTogether(batch);
    },
  };
}

/** Sequences whose rows are in one slab share a step. */
function groupBySlab(sequences: Iterable<Sequence>): readonly (readonly Sequence[])[] {
  const groups = new Map<CacheSlab, Sequence[]>();
  for (const sequence of sequences) {
    if (sequence.row === undefined) continue;
    const { slab } = sequence.row;
    const group = groups.get(slab);
    if (group === undefined) groups.set(slab, [sequence]);
    else group.push(sequence);
  }
  return [...groups.values()];
}
