import { readFile, writeFile } from 'node:fs/promises';
import { type FloatType, ModelError, type Provider } from '../../onnx/index.ts';
import { inspectModelFolder, readModelFolder } from '../folder/index.ts';
import { countImageTokens, decodePaddedImage, type PaddedImage } from '../image/index.ts';
import {
  createTextStream,
  encodePrompt,
  findRepetition,
  loadTokenizer,
  type Tokenizer,
} from '../text/index.ts';
import { createFeatureCache } from './feature-cache.ts';
import type { ImageFeatures } from './features.ts';
import type {
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  GeneratorInfo,
  ImageFile,
} from './generator.ts';
import { openGraphs } from './graphs.ts';
import { createScheduler, type FinishReason, type GenerationLimits } from './scheduler.ts';

/** Sequences that decode together, where nobody says otherwise. */
const DEFAULT_MAX_CONCURRENCY = 8;

/**
 * Tokens per prefill call. Larger ones gain little (docs/runtime.md) and hold up running answers longer; and the logits of
 * a whole chunk are computed though one row of them is wanted, 128 KB each for the real model.
 */
const CHUNK = 256;

/** Bytes of image features kept in memory: some thirty pictures of four crops of the real model. */
const FEATURE_MEMORY = 256 * 2 ** 20;

export interface ModelOptions {
  /** The model folder, in Microsoft's layout or that of Transformers.js. */
  readonly folder: string;
  /** Where it runs. Default `cpu`. */
  readonly provider?: Provider | undefined;
  /** Threads of a graph's operators; one per core when left out. */
  readonly threads?: number | undefined;
  /** Path of another libonnxruntime. */
  readonly library?: string | undefined;
  /** Most answers that are worked on together. Default 8. */
  readonly maxConcurrency?: number | undefined;
  /** Most bytes of weights and KV caches; 80 % of the free memory when left out, which needs the `cpu` provider. */
  readonly maxMemoryBytes?: number | undefined;
}

/** What a loaded model is. */
export interface ModelInfo extends GeneratorInfo {
  /** Most tokens of prompt and answer together. */
  readonly contextLength: number;
  /** Beyond so many tokens of prompt and answer the long rope factors count. */
  readonly ropeSwitch: number;
  readonly hiddenSize: number;
  /** `num_crops` of the model's own processor. */
  readonly numCrops: number;
  /** Why it does not run on the C API; undefined where it does. */
  readonly fallbackReason: string | undefined;
  /** Bytes of KV cache that a token takes while its generation runs. */
  readonly kvBytesPerToken: number;
  /** Most bytes of weights and KV caches together. */
  readonly maxMemoryBytes: number;
  /** Ids that end an answer. */
  readonly stopIds: readonly number[];
}

/** A model in this process. Everyone but the model host wants `startModelHost`, which outlives native crashes. */
export interface Model extends Generator {
  readonly info: ModelInfo;
  /** Units of work done so far; while `busy` it must grow. */
  readonly progress: number;
  readonly busy: boolean;
  /** Runs the vision graph on one picture, past every cache. */
  encodeImage(image: PaddedImage): Promise<ImageFeatures>;
}

/**
 * Loads a model folder.
 *
 * @throws ModelError `model_missing`, `model_invalid`, `memory_exceeded`.
 */
export async function openModel(options: ModelOptions): Promise<Model> {
  const { folder, maxConcurrency = DEFAULT_MAX_CONCURRENCY } = options;
  const found = await inspectModelFolder(folder);
  if (found.missing.length > 0) throw new ModelError('model_missing', found.message);
  const config = await readModelFolder(folder);
  const tokenizer = await loadTokenizer(folder);
  const graphs = await openGraphs(folder, config, {
    ...options,
    provider: options.provider ?? 'cpu',
    maxConcurrency,
  });
  const limits: GenerationLimits = {
    contextLength: config.contextLength,
    ropeSwitch: config.ropeSwitch,
    stopIds: [...new Set([...config.eosIds, ...tokenizer.stopIds])].sort((a, b) => a - b),
    vocabulary: tokenizer.size,
    maxConcurrency,
    prefillChunkTokens: CHUNK,
  };
  const scheduler = createScheduler(graphs.decoder, limits);
  const cache = createFeatureCache(FEATURE_MEMORY);
  const info: ModelInfo = {
    runtime: graphs.runtime,
    fallbackReason: graphs.fallbackReason,
    maxConcurrency,
    supportsResume: true,
    contextLength: limits.contextLength,
    ropeSwitch: limits.ropeSwitch,
    hiddenSize: config.hiddenSize,
    numCrops: config.numCrops,
    kvBytesPerToken: graphs.kvBytesPerToken,
    maxMemoryBytes: graphs.maxMemoryBytes,
    stopIds: limits.stopIds,
  };

  /** From memory, from a file, or made now. What has a file is not held in memory as well: a long job would fill it for nothing. */
  async function featuresOf(file: ImageFile, picture: PaddedImage, made: () => void): Promise<ImageFeatures> {
    const known =
      cache.get(file.key) ?? (await readFeatures(file, picture, config.hiddenSize, graphs.featureType));
    const hasFile = file.featuresPath !== undefined || file.saveFeaturesTo !== undefined;
    if (known !== undefined) {
      if (!hasFile) cache.set(file.key, known);
      return known;
    }
    const features = await graphs.encodeImage(picture);
    if (!hasFile) cache.set(file.key, features);
    if (file.saveFeaturesTo !== undefined) {
      const { buffer, byteOffset, byteLength } = features.data;
      await writeFile(file.saveFeaturesTo, new Uint8Array(buffer, byteOffset, byteLength));
    }
    made();
    return features;
  }

  async function generate(request: GenerateRequest, hooks: GenerateOptions = {}): Promise<Generation> {
    const pictures: PaddedImage[] = [];
    for (const { path } of request.images) pictures.push(decodePaddedImage(await readFile(path)));
    const lengths = pictures.map(({ width, height }) => countImageTokens(height, width));
    const { ids, imageTokens: slots } = encodePrompt(request.prompt, lengths, tokenizer);
    const { resume: known = [] } = request;
    const reader = readAnswer(tokenizer, request.stop ?? [], hooks.onText);
    let visionCalls = 0;
    const images = request.images.map((file, index) => async () => {
      const [picture] = pictures.slice(index, index + 1);
      if (picture === undefined) throw new ModelError('prompt_invalid', 'There is no such picture.');
      return featuresOf(file, picture, () => {
        visionCalls += 1;
        if (file.saveFeaturesTo !== undefined) hooks.onFeaturesSaved?.(index);
      });
    });
    const ended = known.reduce<FinishReason | undefined>(
      (reason, token) => reason ?? reader.add(token),
      undefined,
    );
    const answer =
      ended === undefined
        ? await scheduler.generate(
            {
              promptIds: ids,
              images,
              maxTokens: request.maxTokens,
              resume: known,
              sampling: request.sampling ?? {},
            },
            {
              signal: hooks.signal,
              onToken: (token) => {
                hooks.onTokens?.([token]);
                return reader.add(token);
              },
            },
          )
        : { tokens: known, finishReason: ended, modelSeconds: 0, averageBatchSize: 0 };
    return {
      ...answer,
      text: reader.end(answer.finishReason),
      promptTokens: ids.length,
      imageTokens: slots,
      outputTokens: answer.tokens.length,
      visionCalls,
    };
  }

  return {
    info,
    generate,
    get progress() {
      return scheduler.progress;
    },
    get busy() {
      const { waiting, preparing, running } = scheduler.load;
      return waiting + preparing + running > 0;
    },
    encodeImage: graphs.encodeImage,
    [Symbol.asyncDispose]: async () => {
      await scheduler.close();
      await graphs.close();
    },
  };
}

/** Text and end of an answer, token by token. */
function readAnswer(
  tokenizer: Tokenizer,
  stop: readonly string[],
  onText: ((text: string) => void) | undefined,
) {
  const stream = createTextStream(tokenizer, stop);
  const tokens: number[] = [];
  let text = '';
  const emit = (piece: string): void => {
    if (piece === '') return;
    text += piece;
    onText?.(piece);
  };
  return {
    add: (token: number): FinishReason | undefined => {
      tokens.push(token);
      emit(stream.add(token));
      if (stream.stopped) return 'stop';
      return findRepetition(tokens) === undefined ? undefined : 'repetition';
    },
    /** The whole text; of a loop only the first round. */
    end: (reason: FinishReason): string => {
      emit(stream.finish());
      return reason === 'repetition' ? tokenizer.decode(tokens.slice(0, findRepetition(tokens))) : text;
    },
  };
}

/** Features that an earlier call wrote, where there are any and they are whole. */
async function readFeatures(
  { featuresPath }: ImageFile,
  { width, height }: PaddedImage,
  hiddenSize: number,
  type: FloatType,
): Promise<ImageFeatures | undefined> {
  if (featuresPath === undefined) return undefined;
  const bytes = await readFile(featuresPath).catch(() => undefined);
  const tokens = countImageTokens(height, width);
  const Floats = type === 'float32' ? Float32Array : Uint16Array;
  if (bytes?.byteLength !== tokens * hiddenSize * Floats.BYTES_PER_ELEMENT) return undefined;
  // A copy of its own begins where its elements may begin.
  return { data: new Floats(Uint8Array.from(bytes).buffer), tokens, hiddenSize };
}
