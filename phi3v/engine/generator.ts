import type { PromptPart, Sampling } from '../text/index.ts';

/**
 * Why a generation ended.
 * - `stop`: the model emitted a stop token, or the text reached a stop string.
 * - `length`: the output has `maxTokens` tokens.
 * - `repetition`: the model repeated itself in a loop.
 */
export type FinishReason = 'stop' | 'length' | 'repetition';

/**
 * An image of a prompt. Images and their features are passed as files, so that messages between processes
 * stay small.
 */
export interface ImageFile {
  /**
   * Identifies what the features are computed from: the pixels and the revision of the model. Images with the
   * same key share their features in memory.
   */
  readonly key: string;
  /** A file written with `encodePaddedImage`. */
  readonly path: string;
  /** A file with features that an earlier generation saved. Only read when they are not in memory. */
  readonly featuresPath?: string | undefined;
  /** Path of a new file for the features, written when they have to be computed. */
  readonly saveFeaturesTo?: string | undefined;
}

export interface GenerateRequest {
  /** One user turn, or several turns. The chat template is added. */
  readonly prompt: readonly PromptPart[];
  /** One file for each image of the prompt, in the same order. */
  readonly images: readonly ImageFile[];
  /** Most output tokens, including those of `resume`. */
  readonly maxTokens: number;
  /**
   * The first output tokens, from an earlier, interrupted run of the same request. The result is the same,
   * token by token, as without the interruption. Ignored where `GeneratorInfo.supportsResume` is false.
   */
  readonly resume?: readonly number[] | undefined;
  /** Default: greedy decoding. */
  readonly sampling?: Sampling | undefined;
  /** Strings that end the output; they are not part of it. */
  readonly stop?: readonly string[] | undefined;
}

export interface GenerateOptions {
  /** Cancels the generation, which then rejects with `cancelled`. */
  readonly signal?: AbortSignal | undefined;
  /** Gets all new token ids since its last call, in order, without those of `resume`. */
  readonly onTokens?: ((tokens: readonly number[]) => void) | undefined;
  /** Gets new text, including that of `resume`. It never ends within a character. */
  readonly onText?: ((text: string) => void) | undefined;
  /** Called when the features of image `index` have been computed and written to its `saveFeaturesTo`. */
  readonly onFeaturesSaved?: ((index: number) => void) | undefined;
}

export interface Generation {
  /** Ids of all output tokens, including those of `resume`, without the stop token. Empty for an endpoint. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Tokens of the prompt, including image tokens. */
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly outputTokens: number;
  /** Seconds that the model worked on this generation; the time of shared steps is divided. */
  readonly modelSeconds: number;
  /** Images whose features had to be computed. */
  readonly visionCalls: number;
  /** Mean number of generations in its steps; 0 without steps. */
  readonly averageBatchSize: number;
}

export interface GeneratorInfo {
  /**
   * Name and version of the runtime and where it runs, such as `onnxruntime 1.30.0 cpu (C API, in place)`.
   */
  readonly runtime: string;
  /** Generations that run at the same time; further ones wait. */
  readonly maxConcurrency: number;
  /** Whether it continues from `resume`. If not, it starts from the beginning. */
  readonly supportsResume: boolean;
}

/**
 * Generates text from prompts with images: a model in a process of its own, or an OpenAI-compatible endpoint.
 */
export interface Generator extends AsyncDisposable {
  readonly info: GeneratorInfo;
  /**
   * Runs one prompt: prefill, then decode until it ends.
   *
   * @throws ModelError `prompt_invalid`, `image_invalid`, `context_exceeded`, `memory_exceeded`, `cancelled`,
   * `crashed`, `runtime`; from an endpoint also `unavailable`, `rejected`, `model_missing`. Errors of the
   * callbacks are thrown unchanged.
   */
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<Generation>;
}
