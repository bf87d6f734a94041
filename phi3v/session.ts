import { join } from 'node:path';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { Decoder, Sequence } from './decoder.ts';
import { ModelError } from './errors.ts';
import { CROP_SIDE } from './hd-size.ts';
import type { ModelConfig } from './model-config.ts';

/** Tokens that a KV cache has room for beyond what must go in. */
const CACHE_STEP = 256;

/** The three graphs of a model folder, loaded. */
export interface Graphs {
  /** Name and version of the runtime and where it runs. */
  readonly runtime: string;
  readonly decoder: Decoder;
  /** Width of the embeddings and of image features. */
  readonly hiddenSize: number;
  readonly kvBytesPerToken: number;
  /** Runs the vision graph on one picture: `pixelValues` is `[crops + 1, 3, 336, 336]`. Gives `[tokens, hiddenSize]`. */
  encodeImage(pixelValues: Float32Array, height: number, width: number): Promise<Float32Array>;
  close(): Promise<void>;
}

/**
 * Loads the graphs by path, so that ONNX Runtime finds external weights beside them.
 *
 * @param threads threads of a graph's operators; one per core when left out.
 * @throws ModelError `model_invalid` when a graph cannot be loaded or is not of float32.
 */
export async function openGraphs(
  folder: string,
  config: ModelConfig,
  threads: number | undefined,
): Promise<Graphs> {
  env.logLevel = 'fatal';
  const load = async (filename: string): Promise<InferenceSession> => {
    try {
      return await InferenceSession.create(join(folder, filename), {
        logSeverityLevel: 4,
        ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
        // Threads that wait actively would take the other core from ffmpeg and the worker.
        extra: { session: { intra_op: { allow_spinning: '0' } } },
      });
    } catch (cause) {
      throw new ModelError('model_invalid', `${filename} of the model folder could not be loaded.`, {
        cause,
      });
    }
  };
  const vision = await load(config.vision.filename);
  const embedding = await load(config.embedding.filename);
  const text = await load(config.decoder.filename);
  for (const metadata of [vision, embedding, text].flatMap((graph) => graph.inputMetadata)) {
    // Half precision needs conversions at three places: pixel values, image features, logits.
    if (!metadata.isTensor || (metadata.type !== 'float32' && metadata.type !== 'int64')) {
      throw new ModelError(
        'model_invalid',
        'Only graphs of float32 can be run; take the model made for CPU.',
      );
    }
  }

  const { num_hidden_layers, num_key_value_heads, head_size, hidden_size } = config.decoder;
  return {
    runtime: `onnxruntime-node ${env.versions.node ?? ''} cpu`,
    hiddenSize: hidden_size,
    kvBytesPerToken: 2 * num_hidden_layers * num_key_value_heads * head_size * Float32Array.BYTES_PER_ELEMENT,
    decoder: { open: (limit, known) => openSequence(embedding, text, config, limit, known) },
    encodeImage: async (pixelValues, height, width) => {
      const crops = pixelValues.length / (3 * CROP_SIDE * CROP_SIDE);
      const { inputs, outputs } = config.vision;
      const { [outputs.image_features]: features } = await run(vision, {
        [inputs.pixel_values]: new Tensor('float32', pixelValues, [1, crops, 3, CROP_SIDE, CROP_SIDE]),
        [inputs.image_sizes]: new Tensor('int64', BigInt64Array.of(BigInt(height), BigInt(width)), [1, 2]),
      });
      return floats(features);
    },
    close: async () => {
      for (const graph of [vision, embedding, text]) await graph.release();
    },
  };
}

/**
 * A KV cache for plain onnxruntime-node. Each of its tensors is fed as `past` and fetched as `present`, so that attention
 * writes into it in place; the copies that the binding returns beside that are dropped. A step's cost follows the length
 * of these tensors, not of the text in them, so they grow with the answer.
 */
function openSequence(
  embedding: InferenceSession,
  text: InferenceSession,
  config: ModelConfig,
  limit: number,
  known: number,
): Sequence {
  const { inputs, outputs, num_key_value_heads: heads, head_size: size, num_hidden_layers } = config.decoder;
  const layers = Array.from({ length: num_hidden_layers }, (_, layer) => String(layer));
  const names = layers.flatMap((layer) => [
    {
      past: inputs.past_key_names.replace('%d', layer),
      present: outputs.present_key_names.replace('%d', layer),
    },
    {
      past: inputs.past_value_names.replace('%d', layer),
      present: outputs.present_value_names.replace('%d', layer),
    },
  ]);
  const cache = names.map(() => new Float32Array(0));
  let capacity = 0;
  reserve(known);

  function reserve(length: number): void {
    if (length <= capacity) return;
    const grown = Math.min(limit, length + CACHE_STEP);
    cache.forEach((old, i) => {
      const next = new Float32Array(heads * grown * size);
      for (let head = 0; head < heads; head++) {
        next.set(old.subarray(head * capacity * size, (head + 1) * capacity * size), head * grown * size);
      }
      cache[i] = next;
    });
    capacity = grown;
  }

  async function step(ids: readonly number[], features: Float32Array, start: number, fetchLogits: boolean) {
    const total = start + ids.length;
    reserve(total);
    const embedded = await run(embedding, {
      [config.embedding.inputs.input_ids]: int64(ids, [1, ids.length]),
      [config.embedding.inputs.image_features]: new Tensor('float32', features, [
        features.length / config.decoder.hidden_size,
        config.decoder.hidden_size,
      ]),
    });
    const feeds: Record<string, Tensor> = {
      // Its width says how long the sequence is, and which rope factors count: never wider than that.
      [inputs.attention_mask]: new Tensor('int64', new BigInt64Array(total).fill(1n), [1, total]),
    };
    const embeds = embedded[config.embedding.outputs.inputs_embeds];
    if (embeds !== undefined) feeds[inputs.inputs_embeds] = embeds;
    if (text.inputNames.includes(inputs.position_ids)) {
      feeds[inputs.position_ids] = int64(
        ids.map((_, i) => start + i),
        [1, ids.length],
      );
    }
    const fetches: Record<string, Tensor | null> = fetchLogits ? { [outputs.logits]: null } : {};
    names.forEach(({ past, present }, i) => {
      const tensor = new Tensor('float32', cache[i] ?? new Float32Array(0), [1, heads, capacity, size]);
      feeds[past] = tensor;
      fetches[present] = tensor;
    });
    return run(text, feeds, fetches);
  }

  return {
    append: async (ids, features, start) => {
      await step(ids, features, start, false);
    },
    predict: async (ids, features, start) => {
      const { [outputs.logits]: logits } = await step(ids, features, start, true);
      const rows = floats(logits);
      return rows.subarray(rows.length - rows.length / ids.length);
    },
    close: () => {
      cache.length = 0;
    },
  };
}

type Outputs = Awaited<ReturnType<InferenceSession['run']>>;

async function run(
  graph: InferenceSession,
  feeds: Record<string, Tensor>,
  fetches?: Record<string, Tensor | null>,
): Promise<Outputs> {
  try {
    return await (fetches === undefined ? graph.run(feeds) : graph.run(feeds, fetches));
  } catch (cause) {
    throw new ModelError('runtime', 'ONNX Runtime could not run the model.', { cause });
  }
}

function int64(values: readonly number[], dims: readonly number[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (tensor?.data instanceof Float32Array) return tensor.data;
  throw new ModelError('model_invalid', 'A graph of the model folder lacks an expected output of float32.');
}
