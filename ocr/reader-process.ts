/** Reads text in a process of its own, which can be killed. */
import { createModelProcess } from '../onnx/index.ts';
import type { OcrImage } from './image.ts';
import type { RecognizedLine, TextReader } from './text-reader.ts';

/** Longest time for one image, or for loading the model, in milliseconds. A full 1080p slide takes about one second. */
const TIMEOUT_MS = 60_000;
/** The models and the largest image take less. */
const MAX_BYTES = 1.5 * 2 ** 30;

export interface TextReaderOptions {
  /** A folder as `models pull` installs it. */
  readonly folder: string;
  /** CPU threads. Default 2. */
  readonly threads?: number;
}

/**
 * Creates a text reader whose process starts with the first image. Images wait for each other.
 *
 * `readText` throws ModelError `model_invalid` if the folder has no usable model, `crashed` if the process
 * ended or took too long, and `runtime`.
 */
export function createTextReader({ folder, threads = 2 }: TextReaderOptions): TextReader {
  const host = createModelProcess<
    { readonly folder: string; readonly threads: number },
    OcrImage,
    readonly RecognizedLine[]
  >({
    entry: new URL('./reader-child.ts', import.meta.url),
    load: { folder, threads },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  return {
    readText: (image, signal) => host.call(image, signal),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
