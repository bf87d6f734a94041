import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { ModelError } from './errors.ts';

const FileName = z.string().regex(/^[\w.-]+\.onnx$/);
const Positive = z.int().positive();

/** The keys of onnxruntime-genai's `genai_config.json` that say how the three graphs are called and what they hold. */
const GenaiConfig = z.object({
  model: z.object({
    type: z.literal('phi3v'),
    context_length: Positive,
    eos_token_id: z.union([z.int(), z.array(z.int())]),
    decoder: z.object({
      filename: FileName,
      head_size: Positive,
      hidden_size: Positive,
      num_hidden_layers: Positive,
      num_key_value_heads: Positive,
      inputs: z.object({
        inputs_embeds: z.string(),
        attention_mask: z.string(),
        position_ids: z.string().default('position_ids'),
        past_key_names: z.string(),
        past_value_names: z.string(),
      }),
      outputs: z.object({
        logits: z.string(),
        present_key_names: z.string(),
        present_value_names: z.string(),
      }),
    }),
    embedding: z.object({
      filename: FileName,
      inputs: z.object({ input_ids: z.string(), image_features: z.string() }),
      outputs: z.object({ inputs_embeds: z.string() }),
    }),
    vision: z.object({
      filename: FileName,
      inputs: z.object({ pixel_values: z.string(), image_sizes: z.string() }),
      outputs: z.object({ image_features: z.string() }),
    }),
  }),
});

const ProcessorConfig = z.object({
  processor: z.object({
    transforms: z.array(
      z.object({
        operation: z.object({
          type: z.string(),
          attrs: z.looseObject({ num_crops: Positive.optional() }).optional(),
        }),
      }),
    ),
  }),
});

/** The original configuration of the model, where someone put it beside the graphs. */
const HubConfig = z.object({ original_max_position_embeddings: Positive.optional() });

/** Phi-3.5-vision's `original_max_position_embeddings`; the published ONNX folders do not repeat it outside the graph. */
const ROPE_SWITCH = 4096;

export const CONFIG_FILES = {
  genai: 'genai_config.json',
  processor: 'processor_config.json',
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
} as const;

export type DecoderConfig = z.infer<typeof GenaiConfig>['model']['decoder'];
export type EmbeddingConfig = z.infer<typeof GenaiConfig>['model']['embedding'];
export type VisionConfig = z.infer<typeof GenaiConfig>['model']['vision'];

/** What the configuration files of a model folder say. */
export interface ModelConfig {
  /** Most tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Up to this total the rope uses its short factors, beyond it the long ones. One KV cache must not cross it. */
  readonly ropeSwitch: number;
  readonly eosIds: readonly number[];
  /** The processor's own number of crops. */
  readonly numCrops: number;
  readonly decoder: DecoderConfig;
  readonly embedding: EmbeddingConfig;
  readonly vision: VisionConfig;
}

/**
 * Reads `genai_config.json` and `processor_config.json`.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readModelConfig(folder: string): Promise<ModelConfig> {
  const { model } = await readJson(folder, CONFIG_FILES.genai, GenaiConfig);
  const { processor } = await readJson(folder, CONFIG_FILES.processor, ProcessorConfig);
  const numCrops = processor.transforms.find(({ operation }) => operation.type === 'Phi3ImageTransform')
    ?.operation.attrs?.num_crops;
  if (numCrops === undefined) {
    throw new ModelError(
      'model_invalid',
      `${CONFIG_FILES.processor} has no Phi3ImageTransform with num_crops.`,
    );
  }
  const hub = await readJson(folder, 'config.json', HubConfig).catch((error: unknown) => {
    if (error instanceof ModelError && error.code === 'model_missing') return undefined;
    throw error;
  });
  return {
    contextLength: model.context_length,
    ropeSwitch: hub?.original_max_position_embeddings ?? ROPE_SWITCH,
    eosIds: [model.eos_token_id].flat(),
    numCrops,
    decoder: model.decoder,
    embedding: model.embedding,
    vision: model.vision,
  };
}

/**
 * One JSON file of the folder, checked against `schema`.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readJson<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  let text: string;
  try {
    text = await readFile(join(folder, name), 'utf8');
  } catch (cause) {
    throw new ModelError('model_missing', `The model folder has no readable ${name}.`, { cause });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new ModelError('model_invalid', `${name} of the model folder is not as expected.`, { cause });
  }
}
