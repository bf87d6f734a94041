import { readFile } from 'node:fs/promises';
import { ModelError, type Provider } from '../../onnx/index.ts';
import { inspectModelFolder, type ModelFolder, readModelFolder } from '../folder/index.ts';
import { countImageTokens, decodePaddedImage, type PaddedImage } from '../image/index.ts';
import { encodePrompt, loadTokenizer, type Tokenizer } from '../text/index.ts';
import { createFeatureSource, type FeatureSource } from './feature-source.ts';
import type { ImageFeatures } from './features.ts';
import type { GenerationLimits } from './generation-limits.ts';
import type {
  FinishReason,
  GenerateOptions,
  GenerateRequest,
  Generation,
  Generator,
  GeneratorInfo,
} from './generator.ts';
import { type Graphs, openGraphs } from './graphs.ts';
import { createOutputReader, type OutputReader } from './output-reader.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import type { ScheduledGeneration } from './sequence.ts';

const DEFAULT_MAX_CONCURRENCY = 8;

/**
 * Larger chunks gain little (docs/runtime.md) and make decoding sequences wait longer. Also, the graph
 * computes the logits of every token of a chunk, 128 KB each in the real model, of which one row is needed.
 */
const PREFILL_CHUNK_TOKENS = 256;

export interface ModelOptions {
  /** The model folder, in the layout of onnxruntime-genai or of Transformers.js. */
  readonly folder: string;
  /** ONNX Runtime execution provider. Default `cpu`. */
  readonly provider?: Provider | undefined;
  /** Threads for the operators of a graph. Default: one per core. */
  readonly threads?: number | undefined;
  /** Path of another libonnxruntime. */
  readonly library?: string | undefined;
  /** Most generations that run together. Default 8. */
  readonly maxConcurrency?: number | undefined;
  /**
   * Most bytes of weights and KV caches together. Default: 80 % of the free memory; required for other
   * providers than `cpu`, whose free memory is not known.
   */
  readonly maxMemoryBytes?: number | undefined;
}

export interface ModelInfo extends GeneratorInfo {
  /** Most tokens of prompt and output together. */
  readonly contextLength: number;
  /** Above this many tokens of prompt and output the long rope factors are used. */
  readonly ropeSwitch: number;
  readonly hiddenSize: number;
  /** `num_crops` of the model's own processor. */
  readonly numCrops: number;
  /** Why the model does not run on the C API of ONNX Runtime; undefined where it does. */
  readonly fallbackReason: string | undefined;
  /** Bytes of KV cache for each token of a running generation. */
  readonly kvBytesPerToken: number;
  /** Most bytes of weights and KV caches together. */
  readonly maxMemoryBytes: number;
  /** Token ids that end a generation. */
  readonly stopIds: readonly number[];
}

/**
 * A model in this process. Use `startModelHost` instead where a crash of native code must not end the
 * process.
 */
export interface Model extends Generator {
  readonly info: ModelInfo;
  /** Units of work done so far: if it does not grow while `isBusy`, the runtime hangs. */
  readonly progress: number;
  readonly isBusy: boolean;
  /** Runs the vision graph on one image. Nothing is cached. */
  encodeImage(image: PaddedImage): Promise<ImageFeatures>;
}

/**
 * Loads a model folder.
 *
 * @throws ModelError `model_missing`, `model_invalid`, `memory_exceeded`.
 */
export async function openModel(options: ModelOptions): Promise<Model> {
  const { folder: path, maxConcurrency = DEFAULT_MAX_CONCURRENCY, provider = 'cpu' } = options;
  const report = await inspectModelFolder(path);
  if (report.missing.length > 0) throw new ModelError('model_missing', report.message);
  const folder = await readModelFolder(path);
  const tokenizer = await loadTokenizer(path);
  const graphs = await openGraphs(path, folder, { ...options, provider, maxConcurrency });
  const limits: GenerationLimits = {
    contextLength: folder.contextLength,
    ropeSwitch: folder.ropeSwitch,
    stopIds: [...new Set([...folder.eosIds, ...tokenizer.stopIds])].sort((a, b) => a - b),
    vocabulary: tokenizer.size,
    maxConcurrency,
    prefillChunkTokens: PREFILL_CHUNK_TOKENS,
  };
  const scheduler = createScheduler(graphs.decoder, limits);
  const features = createFeatureSource(graphs, folder.hiddenSize);
  return {
    info: infoOf(folder, graphs, limits),
    generate: (request, hooks = {}) => generate({ scheduler, tokenizer, features }, request, hooks),
    get progress() {
      return scheduler.progress;
    },
    get isBusy() {
      const { waiting, prefilling, decoding } = scheduler.load;
      return waiting + prefilling + decoding > 0;
    },
    encodeImage: graphs.encodeImage,
    [Symbol.asyncDispose]: async () => {
      await scheduler.close();
      await graphs.close();
    },
  };
}

function infoOf(folder: ModelFolder, graphs: Graphs, limits: GenerationLimits): ModelInfo {
  return {
    runtime: graphs.runtime,
    fallbackReason: graphs.fallbackReason,
    maxConcurrency: limits.maxConcurrency,
    supportsResume: true,
    contextLength: limits.contextLength,
    ropeSwitch: limits.ropeSwitch,
    hiddenSize: folder.hiddenSize,
    numCrops: folder.numCrops,
    kvBytesPerToken: graphs.kvBytesPerToken,
    maxMemoryBytes: graphs.maxMemoryBytes,
    stopIds: limits.stopIds,
  };
}

interface Engine {
  readonly scheduler: Scheduler;
  readonly tokenizer: Tokenizer;
  readonly features: FeatureSource;
}

async function generate(
  { scheduler, tokenizer, features }: Engine,
  request: GenerateRequest,
  { signal, onTokens, onText, onFeaturesSaved }: GenerateOptions,
): Promise<Generation> {
  const { resume = [], maxTokens, sampling = {}, stop = [] } = request;
  const images: PaddedImage[] = [];
  for (const { path } of request.images) images.push(decodePaddedImage(await readFile(path)));
  const imageLengths = images.map(({ width, height }) => countImageTokens(height, width));
  const { ids, imageTokens } = encodePrompt(request.prompt, imageLengths, tokenizer);
  const reader = createOutputReader(tokenizer, stop, onText);
  let visionCalls = 0;
  const loadFeatures = images.map((image, index) => async () => {
    const [file] = request.images.slice(index, index + 1);
    if (file === undefined) throw new ModelError('prompt_invalid', 'An image of the prompt is missing.');
    return features.get(file, image, () => {
      visionCalls += 1;
      if (file.saveFeaturesTo !== undefined) onFeaturesSaved?.(index);
    });
  });
  const onToken = (token: number): FinishReason | undefined => {
    onTokens?.([token]);
    return reader.add(token);
  };
  const scheduled =
    replay(reader, resume) ??
    (await scheduler.generate(
      { promptIds: ids, images: loadFeatures, maxTokens, resume, sampling },
      { signal, onToken },
    ));
  return {
    ...scheduled,
    text: reader.finish(scheduled.finishReason),
    promptTokens: ids.length,
    imageTokens,
    outputTokens: scheduled.tokens.length,
    visionCalls,
  };
}

/** Feeds resumed tokens to the reader. Returns the generation if they end it, and no model is needed. */
function replay(reader: OutputReader, tokens: readonly number[]): ScheduledGeneration | undefined {
  let ended: FinishReason | undefined;
  for (const token of tokens) ended ??= reader.add(token);
  return ended && { tokens, finishReason: ended, modelSeconds: 0, averageBatchSize: 0 };
}
