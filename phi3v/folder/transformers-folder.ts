import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from '../../onnx/index.ts';
import { cacheNames, DEFAULT_ROPE_SWITCH, type ModelFolder } from './model-folder.ts';
import { readJson } from './read-json.ts';

const Positive = z.int().positive();

/** The keys of the checkpoint's `config.json` that this runtime uses. */
const HubConfig = z.object({
  model_type: z.literal('phi3_v'),
  hidden_size: Positive,
  num_hidden_layers: Positive,
  num_attention_heads: Positive,
  num_key_value_heads: Positive.optional(),
  head_dim: Positive.optional(),
  max_position_embeddings: Positive,
  original_max_position_embeddings: Positive.default(DEFAULT_ROPE_SWITCH),
});
const GenerationConfig = z.object({ eos_token_id: z.union([z.int(), z.array(z.int())]) });
const PreprocessorConfig = z.object({ num_crops: Positive });

export const TRANSFORMERS_FILES = {
  config: 'config.json',
  generation: 'generation_config.json',
  preprocessor: 'preprocessor_config.json',
} as const;

/** The names of the graphs in Transformers.js. */
const GRAPH_NAMES = { vision: 'vision_encoder', embedding: 'prepare_inputs_embeds', text: 'model' } as const;

/**
 * File name suffixes of graphs by dtype, in order of preference: four bits first, as in Microsoft's folders;
 * float32 last, since it is five times as large.
 */
const DTYPE_SUFFIXES = ['_q4', '_q4f16', '_bnb4', '_quantized', '_int8', '_uint8', '_fp16', ''] as const;

/**
 * Reads `config.json`, `generation_config.json`, `preprocessor_config.json` and the list of graphs in
 * `onnx/`: the layout of Transformers.js. Of a graph in several dtypes the first of `DTYPE_SUFFIXES` is used.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readTransformersFolder(folder: string): Promise<ModelFolder> {
  const config = await readJson(folder, TRANSFORMERS_FILES.config, HubConfig);
  const generation = await readJson(folder, TRANSFORMERS_FILES.generation, GenerationConfig);
  const { num_crops } = await readJson(folder, TRANSFORMERS_FILES.preprocessor, PreprocessorConfig);
  const graphs = new Set(await readdir(join(folder, 'onnx')).catch(() => []));
  const file = (graph: string): string => {
    const name = DTYPE_SUFFIXES.map((suffix) => `${graph}${suffix}.onnx`).find((each) => graphs.has(each));
    if (name === undefined) {
      throw new ModelError('model_missing', `The model folder has no onnx/${graph}*.onnx.`);
    }
    return `onnx/${name}`;
  };
  const layers = config.num_hidden_layers;
  return {
    contextLength: config.max_position_embeddings,
    ropeSwitch: config.original_max_position_embeddings,
    eosIds: [generation.eos_token_id].flat(),
    numCrops: num_crops,
    layers,
    kvHeads: config.num_key_value_heads ?? config.num_attention_heads,
    headSize: config.head_dim ?? config.hidden_size / config.num_attention_heads,
    hiddenSize: config.hidden_size,
    // Transformers.js fixes these names.
    vision: {
      file: file(GRAPH_NAMES.vision),
      pixelValues: 'pixel_values',
      imageSizes: 'image_sizes',
      imageFeatures: 'image_features',
    },
    embedding: {
      file: file(GRAPH_NAMES.embedding),
      inputIds: 'input_ids',
      imageFeatures: 'image_features',
      inputsEmbeds: 'inputs_embeds',
    },
    text: {
      file: file(GRAPH_NAMES.text),
      inputsEmbeds: 'inputs_embeds',
      attentionMask: 'attention_mask',
      positionIds: 'position_ids',
      logits: 'logits',
      cache: cacheNames(layers, [
        { past: 'past_key_values.%d.key', present: 'present.%d.key' },
        { past: 'past_key_values.%d.value', present: 'present.%d.value' },
      ]),
    },
  };
}
