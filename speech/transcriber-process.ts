/** Transcribes speech in a process of its own, which can be killed. */
import { createModelProcess } from '../onnx/index.ts';
import type { Sound, Transcriber, Transcription } from './transcriber.ts';

/** Longest time for one call, in milliseconds. Ten minutes of speech take about two with the smallest model. */
const TIMEOUT_MS = 30 * 60_000;
const MAX_BYTES = 3 * 2 ** 30;

export interface TranscriberOptions {
  /** A folder as `models pull` installs it. */
  readonly folder: string;
  /** CPU threads. Default 2. */
  readonly threads?: number;
}

/**
 * Creates a transcriber whose process starts with the first sound. Sounds wait for each other.
 *
 * `transcribe` throws ModelError `model_invalid` if the folder has no usable model, `crashed` if the process
 * ended or took too long, and `runtime`.
 */
export function createTranscriber({ folder, threads = 2 }: TranscriberOptions): Transcriber {
  const host = createModelProcess<
    { readonly folder: string; readonly threads: number },
    Sound,
    Transcription
  >({
    entry: new URL('./transcriber-child.ts', import.meta.url),
    load: { folder, threads },
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_BYTES,
  });
  return {
    transcribe: (sound, signal) => host.call(sound, signal),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}
