import type { FloatData } from '../../onnx/index.ts';
import type { CacheRow } from './kv-cache.ts';

/**
 * The language model as the scheduler sees it: rows of a KV cache, filled in chunks and then continued together. ONNX
 * Runtime in `text-decoder.ts`, a recording fake in tests. One call at a time.
 */
export interface Decoder {
  /** A row for a sequence of at most `tokens`, or undefined while there is no room for it. */
  open(tokens: number, long: boolean): CacheRow | undefined;
  /** @throws ModelError `memory_exceeded` when there will never be room for `tokens`. */
  checkFits(tokens: number): void;
  /**
   * Runs `ids` at positions `start`, `start + 1`, … of a row that is filled up to `start`.
   *
   * @param ids token ids, and negative numbers for image slots.
   * @param features `[slots, hiddenSize]`: as many rows of image features as `ids` has slots.
   * @returns logits after the last token, `[vocabulary]`, where they are wanted. They are valid until the next call.
   */
  prefill(
    row: CacheRow,
    ids: readonly number[],
    start: number,
    features: FloatData,
    wantLogits: boolean,
  ): Promise<Float32Array | undefined>;
  /**
   * Adds one token to each of several rows of one slab.
   *
   * @returns logits of each row, `[vocabulary]`, in the order given. They are valid until the next call.
   */
  step(rows: readonly StepRow[]): Promise<readonly Float32Array[]>;
}

export interface StepRow {
  readonly row: CacheRow;
  readonly id: number;
  /** Where the token goes: the row is filled up to here. */
  readonly position: number;
}
