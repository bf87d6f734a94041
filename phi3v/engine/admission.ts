/** Which sequences wait, prefill and decode: admission in order of arrival, as soon as there is room. */
import { asModelError } from '../../onnx/index.ts';
import type { Decoder } from './decoder.ts';
import type { GenerationLimits } from './generation-limits.ts';
import type { FinishReason } from './generator.ts';
import { beginPrefill, hasCrossed, maxLength, releaseRow, type Sequence, toGeneration } from './sequence.ts';

export interface Admission {
  readonly waiting: readonly Sequence[];
  /** In order of admission. The first one is prefilled next. */
  readonly prefilling: readonly Sequence[];
  readonly decoding: ReadonlySet<Sequence>;
  /** How many sequences there are. */
  readonly size: number;
  /** Adds a sequence behind all others that wait. */
  enqueue(sequence: Sequence): void;
  /**
   * Waiting → prefilling, for as many as there is room for. One that does not fit yet is not overtaken by
   * smaller ones, so that none waits forever.
   */
  admit(): void;
  /** Prefilling → decoding. */
  startDecoding(sequence: Sequence): void;
  /** Decoding → waiting, ahead of all others: it was admitted before them. */
  requeue(sequence: Sequence): void;
  /** Removes a sequence, frees its row and resolves its result. */
  finish(sequence: Sequence, reason: FinishReason): void;
  /** Removes a sequence, frees its row and rejects its result. */
  fail(sequence: Sequence, error: unknown): void;
}

export function createAdmission(decoder: Decoder, limits: GenerationLimits): Admission {
  const waiting: Sequence[] = [];
  const prefilling: Sequence[] = [];
  const decoding = new Set<Sequence>();

  function remove(sequence: Sequence): void {
    releaseRow(sequence);
    decoding.delete(sequence);
    for (const list of [waiting, prefilling]) {
      const index = list.indexOf(sequence);
      if (index >= 0) list.splice(index, 1);
    }
  }

  function fail(sequence: Sequence, error: unknown): void {
    remove(sequence);
    sequence.reject(asModelError(error));
  }

  return {
    waiting,
    prefilling,
    decoding,
    get size() {
      return waiting.length + prefilling.length + decoding.size;
    },
    enqueue: (sequence) => {
      waiting.push(sequence);
    },
    admit: () => {
      for (let [next] = waiting; next !== undefined; [next] = waiting) {
        if (prefilling.length + decoding.size >= limits.maxConcurrency) return;
        try {
          const row = decoder.open(maxLength(next.request), hasCrossed(next, limits.ropeSwitch));
          if (row === undefined) return;
          beginPrefill(next, row, limits.ropeSwitch);
          waiting.shift();
          prefilling.push(next);
        } catch (error) {
          fail(next, error);
        }
      }
    },
    startDecoding: (sequence) => {
      prefilling.splice(prefilling.indexOf(sequence), 1);
      decoding.add(sequence);
    },
    requeue: (sequence) => {
      remove(sequence);
      waiting.unshift(sequence);
    },
    finish: (sequence, reason) => {
      remove(sequence);
      sequence.resolve(toGeneration(sequence, reason));
    },
    fail,
  };
}
