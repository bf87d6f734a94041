/**
 * Builds the graphs of Whisper from the weights of a CTranslate2 model, with the inputs and outputs of the
 * `onnx-community/whisper-*` repositories. Weights stay in float16 and are computed in float32: ONNX Runtime
 * casts them once, when it loads a graph. Source of the architecture: `whisper/model.py` of OpenAI.
 */
import { GraphWriter, ModelError, type ValueInfo } from '../../onnx/index.ts';
import type { StoredWeight } from './ctranslate2-file.ts';

export interface WhisperGraphs {
  readonly encoder: Uint8Array;
  readonly decoder: Uint8Array;
}

/** Seconds of a window in frames of the log-mel spectrogram, and in positions of the encoder's output. */
const MEL_FRAMES = 3000;
const ENCODER_POSITIONS = 1500;
/** `layer_norm.eps` of OpenAI's model. */
const LAYER_NORM_EPSILON = 1e-5;
const MICROSOFT = 'com.microsoft';

/**
 * Encodes both graphs. The decoder is merged: with `use_cache_branch` it returns the cached keys and values
 * of the encoder unchanged, so that a caller may bind one buffer as both input and output.
 *
 * @throws ModelError `model_invalid` if a weight is missing.
 */
export function buildWhisperGraphs(weights: ReadonlyMap<string, StoredWeight>): WhisperGraphs {
  return { encoder: buildEncoder(weights), decoder: buildDecoder(weights) };
}

/** Adds the layers that encoder and decoder share to one graph. */
class Layers {
  readonly graph: GraphWriter;
  readonly #weights: ReadonlyMap<string, StoredWeight>;
  readonly #added = new Map<string, string>();

  constructor(weights: ReadonlyMap<string, StoredWeight>, graph = new GraphWriter()) {
    this.#weights = weights;
    this.graph = graph;
  }

  dims(name: string): readonly number[] {
    return this.#stored(name).dims;
  }

  /** The number of layers below `prefix`. */
  count(prefix: string): number {
    let count = 0;
    while (this.#weights.has(`${prefix}/layer_${count}/ffn/linear_0/weight`)) count++;
    return count;
  }

  heads(prefix: string, width: number): number {
    const stored = this.#weights.get(`${prefix}/num_heads`);
    return stored?.type === 'int16' ? stored.bytes.readInt16LE(0) : width / 64;
  }

  /** A weight as float32, of the rows `[from, to)` of its first dimension. */
  weight(name: string, rows?: readonly [from: number, to: number]): string {
    const { dims, bytes } = this.#rows(name, rows);
    return this.#cast(`${name}:${rows ?? ''}`, dims, bytes);
  }

  /** The transposed matrix of a linear layer, `[in, out]`: CTranslate2 stores `[out, in]`. */
  matrix(name: string, rows?: readonly [from: number, to: number]): string {
    const { dims, bytes } = this.#rows(name, rows);
    const [out = 0, inner = 0] = dims;
    return this.#cast(`${name}:${rows ?? ''}:t`, [inner, out], transpose16(bytes, out, inner));
  }

  linear(input: string, name: string, rows?: readonly [from: number, to: number]): string {
    const product = this.graph.operator('MatMul', [input, this.matrix(`${name}/weight`, rows)]);
    return this.graph.operator('Add', [product, this.weight(`${name}/bias`, rows)]);
  }

  layerNorm(input: string, name: string): string {
    const inputs = [input, this.weight(`${name}/gamma`), this.weight(`${name}/beta`)];
    const attributes = { axis: -1, epsilon: { float: LAYER_NORM_EPSILON } };
    return this.graph.operator('LayerNormalization', inputs, { attributes });
  }

  gelu(input: string): string {
    return this.graph.operator('Gelu', [input], { domain: MICROSOFT });
  }

  feedForward(input: string, layer: string): string {
    const normalized = this.layerNorm(input, `${layer}/ffn/layer_norm`);
    const hidden = this.gelu(this.linear(normalized, `${layer}/ffn/linear_0`));
    return this.graph.operator('Add', [input, this.linear(hidden, `${layer}/ffn/linear_1`)]);
  }

  /** Query, key and value of self-attention, `[batch, positions, width]` each: their matrices are stacked. */
  queryKeyValue(input: string, name: string): readonly [query: string, key: string, value: string] {
    const width = (this.dims(`${name}/linear_0/weight`)[0] ?? 0) / 3;
    const part = (index: number) =>
      this.linear(input, `${name}/linear_0`, [index * width, (index + 1) * width]);
    return [part(0), part(1), part(2)];
  }

  #rows(
    name: string,
    rows: readonly [from: number, to: number] | undefined,
  ): { readonly dims: readonly number[]; readonly bytes: Buffer } {
    const { dims, bytes } = this.#stored(name);
    if (rows === undefined) return { dims, bytes };
    const stride = bytes.length / (dims[0] ?? 1);
    return {
      dims: [rows[1] - rows[0], ...dims.slice(1)],
      bytes: bytes.subarray(rows[0] * stride, rows[1] * stride),
    };
  }

  #stored(name: string): StoredWeight {
    const stored = this.#weights.get(name);
    if (stored?.type !== 'float16') {
      throw new ModelError('model_invalid', `The Whisper model has no float16 weight ${name}.`);
    }
    return stored;
  }

  #cast(key: string, dims: readonly number[], bytes: Buffer): string {
    let name = this.#added.get(key);
    if (name === undefined) {
      const stored = this.graph.initializer('float16', dims, bytes);
      name = this.graph.operator('Cast', [stored], { attributes: { to: 1 } });
      this.#added.set(key, name);
    }
    return name;
  }
}

function buildEncoder(weights: ReadonlyMap<string, StoredWeight>): Uint8Array {
  const layers = new Layers(weights);
  const { graph } = layers;
  const [width = 0, mels = 0] = layers.dims('encoder/conv1/weight');
  const heads = layers.heads('encoder', width);
  const convolution = (input: string, name: string, stride: number): string => {
    const inputs = [input, layers.weight(`${name}/weight`), layers.weight(`${name}/bias`)];
    const attributes = { kernel_shape: [3], pads: [1, 1], strides: [stride] };
    return layers.gelu(graph.operator('Conv', inputs, { attributes }));
  };
  const features = convolution(convolution('input_features', 'encoder/conv1', 1), 'encoder/conv2', 2);
  const transposed = graph.operator('Transpose', [features], { attributes: { perm: [0, 2, 1] } });
  let hidden = graph.operator('Add', [transposed, layers.weight('encoder/position_encodings/encodings')]);
  for (let index = 0; index < layers.count('encoder'); index++) {
    const layer = `encoder/layer_${index}`;
    const name = `${layer}/self_attention`;
    const qkv = layers.queryKeyValue(layers.layerNorm(hidden, `${name}/layer_norm`), name);
    const attended = graph.operator('MultiHeadAttention', qkv, {
      domain: MICROSOFT,
      attributes: { num_heads: heads },
    });
    hidden = graph.operator('Add', [hidden, layers.linear(attended, `${name}/linear_1`)]);
    hidden = layers.feedForward(hidden, layer);
  }
  const normalized = layers.layerNorm(hidden, 'encoder/layer_norm');
  graph.operator('Identity', [normalized], { outputs: ['last_hidden_state'] });
  return graph.encodeModel(
    'encoder',
    [{ name: 'input_features', type: 'float32', dims: ['batch', mels, MEL_FRAMES] }],
    [{ name: 'last_hidden_state', type: 'float32', dims: ['batch', ENCODER_POSITIONS, width] }],
  );
}

function buildDecoder(weights: ReadonlyMap<string, StoredWeight>): Uint8Array {
  const layers = new Layers(weights);
  const { graph } = layers;
  const [vocabulary = 0, width = 0] = layers.dims('decoder/embeddings/weight');
  const heads = layers.heads('decoder', width);
  const headSize = width / heads;
  const embeddings = layers.weight('decoder/embeddings/weight');
  const inputs: ValueInfo[] = [
    { name: 'input_ids', type: 'int64', dims: ['batch', 'positions'] },
    { name: 'encoder_hidden_states', type: 'float32', dims: ['batch', ENCODER_POSITIONS, width] },
  ];
  const outputs: ValueInfo[] = [
    { name: 'logits', type: 'float32', dims: ['batch', 'positions', vocabulary] },
  ];
  const cache = (side: 'decoder' | 'encoder', index: number, part: 'key' | 'value') => {
    const dims = ['batch', heads, `past_${side}_positions`, headSize] as const;
    const past = `past_key_values.${index}.${side}.${part}`;
    const present = `present.${index}.${side}.${part}`;
    inputs.push({ name: past, type: 'float32', dims });
    outputs.push({
      name: present,
      type: 'float32',
      dims: ['batch', heads, `${side}_positions`, headSize],
    });
    return { past, present };
  };

  let hidden = addPositions(layers, embeddings);
  for (let index = 0; index < layers.count('decoder'); index++) {
    const layer = `decoder/layer_${index}`;
    const self = `${layer}/self_attention`;
    const [key, value] = [cache('decoder', index, 'key'), cache('decoder', index, 'value')];
    const qkv = layers.queryKeyValue(layers.layerNorm(hidden, `${self}/layer_norm`), self);
    const attended = graph.operator('MultiHeadAttention', [...qkv, '', '', '', key.past, value.past], {
      domain: MICROSOFT,
      attributes: { num_heads: heads, unidirectional: 1 },
      outputs: [`self_attention_${index}`, key.present, value.present],
    });
    hidden = graph.operator('Add', [hidden, layers.linear(attended, `${self}/linear_1`)]);

    const cross = `${layer}/attention`;
    const query = layers.linear(layers.layerNorm(hidden, `${cross}/layer_norm`), `${cross}/linear_0`);
    const parts = (['key', 'value'] as const).map((part, half) => {
      const { past, present } = cache('encoder', index, part);
      return crossAttentionCache(layers, { name: cross, half, width, heads, past, present });
    });
    const crossAttended = graph.operator('MultiHeadAttention', [query, ...parts], {
      domain: MICROSOFT,
      attributes: { num_heads: heads },
    });
    hidden = graph.operator('Add', [hidden, layers.linear(crossAttended, `${cross}/linear_2`)]);
    hidden = layers.feedForward(hidden, layer);
  }
  const normalized = layers.layerNorm(hidden, 'decoder/layer_norm');
  // The projection is the transposed matrix of the embeddings: no second copy of the largest weight.
  graph.operator('FusedMatMul', [normalized, embeddings], {
    domain: MICROSOFT,
    attributes: { transB: 1 },
    outputs: ['logits'],
  });
  inputs.push({ name: 'use_cache_branch', type: 'bool', dims: [1] });
  return graph.encodeModel('decoder', inputs, outputs);
}

/** Token embeddings plus those of the positions after the cached ones. */
function addPositions(layers: Layers, embeddings: string): string {
  const { graph } = layers;
  const length = (input: string, axis: number): string => {
    const attributes = { start: axis, end: axis + 1 };
    const shape = graph.operator('Shape', [input], { attributes });
    return graph.operator('Squeeze', [shape, graph.int64s(0)]);
  };
  const past = length('past_key_values.0.decoder.key', 2);
  const end = graph.operator('Add', [past, length('input_ids', 1)]);
  const positions = graph.operator('Range', [past, end, graph.int64(1)]);
  const encodings = layers.weight('decoder/position_encodings/encodings');
  return graph.operator('Add', [
    graph.operator('Gather', [embeddings, 'input_ids']),
    graph.operator('Gather', [encodings, positions]),
  ]);
}

interface CrossAttention {
  readonly name: string;
  /** 0 for keys, 1 for values: their matrices are stacked. */
  readonly half: number;
  readonly width: number;
  readonly heads: number;
  readonly past: string;
  readonly present: string;
}

/** Keys or values of the encoder's output: computed once, and from then on the cached ones. */
function crossAttentionCache(
  layers: Layers,
  { name, half, width, heads, past, present }: CrossAttention,
): string {
  const rows = [half * width, (half + 1) * width] as const;
  const cached = new GraphWriter(`${present}.cached.`);
  const cachedOutput = { name: `${present}.cached`, type: 'float32' } as const;
  cached.operator('Identity', [past], { outputs: [cachedOutput.name] });
  const computed = new GraphWriter(`${present}.computed.`);
  const computedOutput = { name: `${present}.computed`, type: 'float32' } as const;
  const product = computed.operator('MatMul', [
    'encoder_hidden_states',
    layers.matrix(`${name}/linear_1/weight`, rows),
  ]);
  const sum = computed.operator('Add', [product, layers.weight(`${name}/linear_1/bias`, rows)]);
  const shape = computed.int64s(0, -1, heads, width / heads);
  const split = computed.operator('Reshape', [sum, shape]);
  computed.operator('Transpose', [split], {
    attributes: { perm: [0, 2, 1, 3] },
    outputs: [computedOutput.name],
  });
  return layers.graph.operator('If', ['use_cache_branch'], {
    attributes: {
      then_branch: { graph: cached.encodeGraph('cached', [], [cachedOutput]) },
      else_branch: { graph: computed.encodeGraph('computed', [], [computedOutput]) },
    },
    outputs: [present],
  });
}

function transpose16(bytes: Buffer, rows: number, columns: number): Buffer {
  const source = new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const target = new Uint16Array(source.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      target[column * rows + row] = source[row * columns + column] ?? 0;
    }
  }
  return Buffer.from(target.buffer);
}
