import { stat } from 'node:fs/promises';
import { freemem } from 'node:os';
import { join } from 'node:path';
import {
  createTensorData,
  type FloatData,
  type FloatType,
  type Graph,
  ModelError,
  type OrtRuntime,
  openRuntime,
  type RuntimeOptions,
  type Tensor,
  toFloats,
} from '../../onnx/index.ts';
import { dataFiles, type ModelFolder } from '../folder/index.ts';
import { CROP_SIDE, countCrops, countImageTokens, type PaddedImage, toPixelValues } from '../image/index.ts';
import type { Decoder } from './decoder.ts';
import type { ImageFeatures } from './features.ts';
import { createKvCache } from './kv-cache.ts';
import { createTextDecoder } from './text-decoder.ts';
import { createTextGraphs, floatType } from './text-graphs.ts';

/** Default memory limit on the CPU, as a share of the free memory. */
const FREE_MEMORY_SHARE = 0.8;

/** The three graphs of a model folder, loaded into ONNX Runtime. */
export interface Graphs {
  /** Name and version of the runtime and where it runs. */
  readonly runtime: string;
  /** Why the slower, portable runtime is used; undefined where it is not. */
  readonly fallbackReason: string | undefined;
  readonly decoder: Decoder;
  /** Bytes of KV cache for each token of a running sequence. */
  readonly kvBytesPerToken: number;
  /** Most bytes of weights and KV caches together. */
  readonly maxMemoryBytes: number;
  /** Float type of the features that `encodeImage` returns. */
  readonly featureType: FloatType;
  /** Runs the vision graph on one image. */
  encodeImage(image: PaddedImage): Promise<ImageFeatures>;
  close(): Promise<void>;
}

export interface GraphsOptions extends RuntimeOptions {
  /** Most sequences that decode together. */
  readonly maxConcurrency: number;
  /** Most bytes of weights and KV caches together. Default on the CPU: 80 % of the free memory. */
  readonly maxMemoryBytes?: number | undefined;
  /** Default: the fastest runtime that works. */
  readonly runtime?: OrtRuntime | undefined;
}

/**
 * @throws ModelError `model_invalid` when a graph cannot be loaded, `memory_exceeded` when the weights do not
 * fit.
 */
export async function openGraphs(path: string, folder: ModelFolder, options: GraphsOptions): Promise<Graphs> {
  const memory = memoryLimit(options);
  const weights = await weightBytes(path, folder);
  if (weights >= memory) {
    const [required, limit] = [weights, memory].map((bytes) => `${Math.ceil(bytes / 2 ** 20)} MiB`);
    throw new ModelError(
      'memory_exceeded',
      `The weights of the model need ${required}; the limit is ${limit}. Raise FRAMELOOM_MODEL_MEMORY or free some memory.`,
    );
  }
  const { runtime, fallback: fallbackReason } = options.runtime
    ? { runtime: options.runtime, fallback: undefined }
    : await openRuntime(options);
  const [vision, embedding, text] = [
    await runtime.loadGraph(join(path, folder.vision.file)),
    await runtime.loadGraph(join(path, folder.embedding.file)),
    await runtime.loadGraph(join(path, folder.text.file)),
  ];
  const [firstCache] = folder.text.cache;
  const cache = createKvCache({
    graph: text,
    folder,
    type: floatType(text.inputs, firstCache?.past ?? ''),
    rows: options.maxConcurrency,
    maxBytes: memory - weights,
    inPlace: runtime.updatesInPlace,
    lazyMemory: runtime.allocatesLazily,
  });
  const textGraphs = createTextGraphs({ runtime, folder, embedding, text });
  return {
    runtime: runtime.description,
    fallbackReason,
    decoder: createTextDecoder(textGraphs, cache, folder.ropeSwitch),
    kvBytesPerToken: cache.bytesPerToken,
    maxMemoryBytes: memory,
    featureType: floatType(vision.outputs, folder.vision.imageFeatures),
    encodeImage: visionEncoder(runtime.createTensor, folder, vision),
    close: async () => {
      cache.close();
      for (const graph of [vision, embedding, text]) await graph.close();
    },
  };
}

function memoryLimit({ maxMemoryBytes, provider }: GraphsOptions): number {
  if (maxMemoryBytes !== undefined) return maxMemoryBytes;
  if (provider === 'cpu') return freemem() * FREE_MEMORY_SHARE;
  throw new ModelError(
    'memory_exceeded',
    `The free memory of the ${provider} device is not known. Set FRAMELOOM_MODEL_MEMORY to the memory that the model may use.`,
  );
}

async function weightBytes(path: string, folder: ModelFolder): Promise<number> {
  let bytes = 0;
  for (const { file } of [folder.vision, folder.embedding, folder.text]) {
    for (const each of [file, ...(await dataFiles(path, file))]) {
      bytes += (await stat(join(path, each)).catch(() => undefined))?.size ?? 0;
    }
  }
  return bytes;
}

function visionEncoder(
  tensor: (data: FloatData | BigInt64Array, dims: readonly number[]) => Tensor,
  folder: ModelFolder,
  graph: Graph,
): Graphs['encodeImage'] {
  const { pixelValues: pixels, imageSizes, imageFeatures } = folder.vision;
  const input = floatType(graph.inputs, pixels);
  const output = floatType(graph.outputs, imageFeatures);
  // Empty crops cost as much time as others: they are added only for graphs with a fixed number of crops.
  const fixedCrops = graph.inputs.get(pixels)?.dims[1] ?? -1;
  return async (image) => {
    const { width, height } = image;
    const crops = Math.max(countCrops(image), fixedCrops - 1);
    const values = toFloats(toPixelValues(image, crops), input);
    const tokens = countImageTokens(height, width);
    const data = createTensorData(output, tokens * folder.hiddenSize);
    const sizes = BigInt64Array.of(BigInt(height), BigInt(width));
    const tensors = [
      tensor(values, [1, crops + 1, 3, CROP_SIDE, CROP_SIDE]),
      tensor(sizes, [1, 2]),
      tensor(data as FloatData, [tokens, folder.hiddenSize]), // the output type is a float type
    ] as const;
    try {
      const [valuesTensor, sizesTensor, features] = tensors;
      await graph.run(
        [
          [pixels, valuesTensor],
          [imageSizes, sizesTensor],
        ],
        [[imageFeatures, features]],
      );
      return { data: data as FloatData, tokens, hiddenSize: folder.hiddenSize }; // as above
    } finally {
      for (const each of tensors) each.release();
    }
  };
}
