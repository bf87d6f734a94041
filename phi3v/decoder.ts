/**
 * The seam between generation and whatever runs the language model: plain onnxruntime-node now, its C API with batched
 * steps later, a recording fake in tests.
 */
export interface Decoder {
  /** Opens an empty sequence that will hold at most `limit` tokens; the first `known` of them come at once. */
  open(limit: number, known: number): Sequence;
}

/** The KV cache of one generation. */
export interface Sequence {
  /**
   * Runs `ids` at positions `start`, `start + 1`, …; what the cache held from `start` on is replaced. `start` is at most
   * the number of tokens in the cache.
   *
   * @param ids token ids, and negative numbers for image slots.
   * @param features as many rows of image features as `ids` has slots, float32 `[slots, hidden]`.
   */
  append(ids: readonly number[], features: Float32Array, start: number): Promise<void>;
  /** As `append`, and gives the logits after the last token, float32 `[vocabulary]`. */
  predict(ids: readonly number[], features: Float32Array, start: number): Promise<Float32Array>;
  close(): void;
}
