/** Runs the decoder of Whisper step by step, with its cache of keys and values in place. */
import { type Graph, ModelError, type NamedTensor, type OrtRuntime, type Tensor } from '../onnx/index.ts';

export interface DecoderGraph {
  readonly graph: Graph;
  readonly runtime: OrtRuntime;
  readonly layers: number;
  readonly heads: number;
  readonly headSize: number;
  readonly vocabulary: number;
}

/** Positions of the encoder's output, and most tokens of prompt and text. */
const ENCODER_POSITIONS = 1500;
export const MAX_TOKENS = 448;

/**
 * Reads the shapes of a decoder with the inputs and outputs of `onnx-community/whisper-*`.
 *
 * @throws ModelError `model_invalid` if it has others.
 */
export function describeDecoder(runtime: OrtRuntime, graph: Graph): DecoderGraph {
  const layers = [...graph.inputs.keys()].filter((name) => name.endsWith('.decoder.key')).length;
  const [, heads = 0, , headSize = 0] = graph.inputs.get('past_key_values.0.decoder.key')?.dims ?? [];
  const vocabulary = graph.outputs.get('logits')?.dims.at(-1) ?? 0;
  if (layers === 0 || heads <= 0 || headSize <= 0 || vocabulary <= 0) {
    throw new ModelError('model_invalid', 'The decoder of the speech model has an unknown layout.');
  }
  return { runtime, graph, layers, heads, headSize, vocabulary };
}

/** The decoder for one window of sound. Disposing releases its memory. */
export interface Decoding extends Disposable {
  /**
   * Appends tokens and returns the logits of each, `tokens.length` × `vocabulary`. The array is reused by the
   * next call.
   */
  append(tokens: readonly number[]): Promise<Float32Array>;
  /** Forgets all tokens, but not the window. */
  reset(): void;
}

/**
 * Starts decoding a window. `encoded` is the output of the encoder, 1 × 1500 × width.
 */
export function startDecoding(decoder: DecoderGraph, encoded: Tensor): Decoding {
  const { graph, runtime, layers, heads, headSize, vocabulary } = decoder;
  const slots = Array.from({ length: layers }, (_, layer) => layer).flatMap((layer) =>
    (['key', 'value'] as const).map((part) => ({ layer, part })),
  );
  const stride = heads * headSize;
  // Self-attention appends to its cache: it is written to the other of two buffers in each step.
  const buffers = slots.map(() => [
    new Float32Array(MAX_TOKENS * stride),
    new Float32Array(MAX_TOKENS * stride),
  ]);
  const cross = slots.map(() => {
    const data = new Float32Array(ENCODER_POSITIONS * stride);
    return runtime.createTensor(data, [1, heads, ENCODER_POSITIONS, headSize]);
  });
  let length = 0;
  let current = 0;
  let isEncoded = false;
  let logits = new Float32Array(vocabulary);

  const cacheTensor = (slot: number, buffer: number, positions: number): Tensor => {
    const data = buffers[slot]?.[buffer] ?? new Float32Array();
    return runtime.createTensor(data.subarray(0, positions * stride), [1, heads, positions, headSize]);
  };

  return {
    async append(tokens) {
      const next = length + tokens.length;
      if (next > MAX_TOKENS) throw new ModelError('context_exceeded', 'The speech model has no room left.');
      if (logits.length < tokens.length * vocabulary) logits = new Float32Array(tokens.length * vocabulary);
      const output = logits.subarray(0, tokens.length * vocabulary);
      const owned: Tensor[] = [];
      const own = (tensor: Tensor): Tensor => {
        owned.push(tensor);
        return tensor;
      };
      const inputs: NamedTensor[] = [
        ['input_ids', own(runtime.createTensor(BigInt64Array.from(tokens, BigInt), [1, tokens.length]))],
        ['encoder_hidden_states', encoded],
        ['use_cache_branch', own(runtime.createTensor(Uint8Array.of(isEncoded ? 1 : 0), [1]))],
      ];
      const outputs: NamedTensor[] = [
        ['logits', own(runtime.createTensor(output, [1, tokens.length, vocabulary]))],
      ];
      for (const [slot, { layer, part }] of slots.entries()) {
        inputs.push([`past_key_values.${layer}.decoder.${part}`, own(cacheTensor(slot, current, length))]);
        outputs.push([`present.${layer}.decoder.${part}`, own(cacheTensor(slot, 1 - current, next))]);
        const keys = cross[slot];
        if (keys === undefined) continue;
        const empty = () => own(runtime.createTensor(new Float32Array(0), [1, heads, 0, headSize]));
        // One tensor as input and output: the graph returns the cached values unchanged, without a copy.
        inputs.push([`past_key_values.${layer}.encoder.${part}`, isEncoded ? keys : empty()]);
        outputs.push([`present.${layer}.encoder.${part}`, keys]);
      }
      try {
        await graph.run(inputs, outputs);
      } finally {
        for (const tensor of owned) tensor.release();
      }
      isEncoded = true;
      length = next;
      current = 1 - current;
      return output;
    },
    reset() {
      length = 0;
    },
    [Symbol.dispose]() {
      for (const tensor of cross) tensor.release();
    },
  };
}
