import type { FloatData } from '../../onnx/index.ts';
import type { CacheRow } from './kv-cache.ts';

/**
 * The language model as the scheduler uses it: rows of a KV cache that are prefilled in chunks and then
 * extended together. Implemented with ONNX Runtime in `text-decoder.ts`. One call at a time.
 */
export interface Decoder {
  /** A row for a sequence of at most `tokens` tokens, or undefined while there is no room. */
  open(tokens: number, long: boolean): CacheRow | undefined;
  /** @throws ModelError `memory_exceeded` when there will never be room for `tokens` tokens. */
  checkFits(tokens: number): void;
  /**
   * Runs token ids of a row, in which all ids before them already are.
   *
   * @returns logits after the last token, float32 `[vocabulary]`, if `wantLogits`. Valid until the next call.
   */
  prefill(row: CacheRow, prefill: Prefill): Promise<Float32Array | undefined>;
  /**
   * Adds one token to each of several rows of one slab.
   *
   * @returns logits of each row, float32 `[vocabulary]`, in the order of `rows`. Valid until the next call.
   */
  step(rows: readonly StepRow[]): Promise<readonly Float32Array[]>;
}

export interface Prefill {
  /** Token ids; negative numbers are image slots. */
  readonly ids: readonly number[];
  /** Position of the first id. */
  readonly start: number;
  /** `[slots, hiddenSize]`: one row of image features for each slot in `ids`. */
  readonly features: FloatData;
  readonly wantLogits: boolean;
}

export interface StepRow {
  readonly row: CacheRow;
  readonly id: number;
  /** Position of the token; the row is filled up to it. */
  readonly position: number;
}
