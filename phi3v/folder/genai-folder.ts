import { z } from 'zod';
import { ModelError } from '../../onnx/index.ts';
import { cacheNames, DEFAULT_ROPE_SWITCH, type ModelFolder } from './model-folder.ts';
import { readJson } from './read-json.ts';

const FileName = z.string().regex(/^[\w.-]+\.onnx$/);
const Positive = z.int().positive();

/**
 * The keys of onnxruntime-genai's `genai_config.json` with the files, inputs, outputs and sizes of the three
 * graphs.
 */
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

/** The configuration of the original checkpoint, which some folders have beside the graphs. */
const HubConfig = z.object({ original_max_position_embeddings: Positive.optional() });

export const GENAI_FILES = { config: 'genai_config.json', processor: 'processor_config.json' } as const;

/**
 * Reads `genai_config.json` and `processor_config.json`: the layout of onnxruntime-genai, in which Microsoft
 * publishes the model.
 *
 * @throws ModelError `model_missing` or `model_invalid`, naming the file.
 */
export async function readGenaiFolder(folder: string): Promise<ModelFolder> {
  const { model } = await readJson(folder, GENAI_FILES.config, GenaiConfig);
  const { processor } = await readJson(folder, GENAI_FILES.processor, ProcessorConfig);
  const numCrops = processor.transforms.find(({ operation }) => operation.type === 'Phi3ImageTransform')
    ?.operation.attrs?.num_crops;
  if (numCrops === undefined) {
    throw new ModelError(
      'model_invalid',
      `${GENAI_FILES.processor} has no Phi3ImageTransform with num_crops.`,
    );
  }
  const hub = await readJson(folder, 'config.json', HubConfig).catch((error: unknown) => {
    if (error instanceof ModelError && error.code === 'model_missing') return undefined;
    throw error;
  });
  const { decoder, embedding, vision } = model;
  return {
    contextLength: model.context_length,
    ropeSwitch: hub?.original_max_position_embeddings ?? DEFAULT_ROPE_SWITCH,
    eosIds: [model.eos_token_id].flat(),
    numCrops,
    layers: decoder.num_hidden_layers,
    kvHeads: decoder.num_key_value_heads,
    headSize: decoder.head_size,
    hiddenSize: decoder.hidden_size,
    vision: {
      file: vision.filename,
      pixelValues: vision.inputs.pixel_values,
      imageSizes: vision.inputs.image_sizes,
      imageFeatures: vision.outputs.image_features,
    },
    embedding: {
      file: embedding.filename,
      inputIds: embedding.inputs.input_ids,
      imageFeatures: embedding.inputs.image_features,
      inputsEmbeds: embedding.outputs.inputs_embeds,
    },
    text: {
      file: decoder.filename,
      inputsEmbeds: decoder.inputs.inputs_embeds,
      attentionMask: decoder.inputs.attention_mask,
      positionIds: decoder.inputs.position_ids,
      logits: decoder.outputs.logits,
      cache: cacheNames(decoder.num_hidden_layers, [
        { past: decoder.inputs.past_key_names, present: decoder.outputs.present_key_names },
        { past: decoder.inputs.past_value_names, present: decoder.outputs.present_value_names },
      ]),
    },
  };
}
