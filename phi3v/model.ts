import { ModelError } from './errors.ts';
import { checkFeatures, type ImageFeatures } from './features.ts';
import { type FinishReason, type GenerationLimits, generateGreedy } from './generate.ts';
import { imageTokens } from './hd-size.ts';
import type { PaddedImage } from './hd-transform.ts';
import { inspectModelFolder } from './inspect-folder.ts';
import { readModelConfig } from './model-config.ts';
import { pixelValues } from './pixel-values.ts';
import { encodePrompt, type PromptPart } from './prompt.ts';
import { openGraphs } from './session.ts';
import { loadTokenizer } from './tokenizer.ts';

/** What a loaded model is. */
export interface ModelInfo {
  /** Most tokens of prompt and answer together. */
  readonly contextLength: number;
  /** An answer to a prompt of at most so many tokens ends when both together are so many. */
  readonly ropeSwitch: number;
  readonly hiddenSize: number;
  /** `num_crops` of the model's own processor. */
  readonly numCrops: number;
  /** Name and version of the runtime and where it runs, such as `onnxruntime-node 1.30.0 cpu`. */
  readonly runtime: string;
  /** Bytes of KV cache that a token takes while its generation runs. */
  readonly kvBytesPerToken: number;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
}

export interface GenerateRequest {
  /** The user's turn; the chat template is put around it. */
  readonly prompt: readonly PromptPart[];
  /** One per image of the prompt, in the same order. */
  readonly features: readonly ImageFeatures[];
  /** Most tokens of the answer, those of `resume` included. */
  readonly maxTokens: number;
  /** Tokens of this answer that an earlier, interrupted run has made. The result is that of an undisturbed run. */
  readonly resume?: readonly number[];
}

export interface Generation {
  /** Ids of the whole answer, those of `resume` included, the stop token not. */
  readonly tokens: number[];
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Tokens of the prompt, image tokens included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
}

/** A model in this process. Running it blocks the event loop: everyone but the model host wants `startModelHost`. */
export interface Model {
  readonly info: ModelInfo;
  encodeImage(image: PaddedImage): Promise<ImageFeatures>;
  generate(
    request: GenerateRequest,
    options?: { readonly signal?: AbortSignal; readonly onToken?: (token: number) => void },
  ): Promise<Generation>;
  close(): Promise<void>;
}

/**
 * Loads a model folder in Microsoft's layout: `genai_config.json`, `processor_config.json`, the tokenizer's files and the
 * three graphs they name.
 *
 * @throws ModelError `model_missing` or `model_invalid`.
 */
export async function openModel(options: {
  readonly folder: string;
  readonly threads?: number;
}): Promise<Model> {
  const { folder, threads } = options;
  const found = await inspectModelFolder(folder);
  if (found.missing.length > 0) throw new ModelError('model_missing', found.message);
  const config = await readModelConfig(folder);
  const tokenizer = await loadTokenizer(folder);
  const graphs = await openGraphs(folder, config, threads);
  const limits: GenerationLimits = {
    contextLength: config.contextLength,
    ropeSwitch: config.ropeSwitch,
    stopIds: [...new Set([...config.eosIds, ...tokenizer.stopIds])].sort((a, b) => a - b),
    vocabulary: tokenizer.size,
  };
  const info: ModelInfo = {
    contextLength: limits.contextLength,
    ropeSwitch: limits.ropeSwitch,
    hiddenSize: graphs.hiddenSize,
    numCrops: config.numCrops,
    runtime: graphs.runtime,
    kvBytesPerToken: graphs.kvBytesPerToken,
    stopIds: limits.stopIds,
  };
  return {
    info,
    encodeImage: async (image) => {
      const tokens = imageTokens(image.height, image.width);
      const data = await graphs.encodeImage(pixelValues(image), image.height, image.width);
      if (data.length !== tokens * info.hiddenSize) {
        throw new ModelError(
          'model_invalid',
          'The vision graph gives another number of image tokens than expected.',
        );
      }
      return { data, tokens, hiddenSize: info.hiddenSize };
    },
    generate: async ({ prompt, features, maxTokens, resume = [] }, { signal, onToken } = {}) => {
      checkFeatures(features, info.hiddenSize);
      const lengths = features.map((image) => image.tokens);
      const encoded = encodePrompt(prompt, lengths, tokenizer);
      const request = { promptIds: encoded.ids, features, maxTokens, resume };
      const { tokens, finishReason } = await generateGreedy(graphs.decoder, limits, request, {
        signal,
        onToken,
      });
      return {
        tokens,
        text: tokenizer.decode(tokens),
        finishReason,
        promptTokens: encoded.ids.length,
        imageTokens: encoded.imageTokens,
      };
    },
    close: graphs.close,
  };
}
