import type { PromptPart, Sampling } from '../text/index.ts';

/**
 * Why a generation ended.
 * - `stop`: the model emitted a stop token, or the text reached a stop string.
 * - `length`: the output has `maxTokens` tokens.
 * - `repetition`: the model repeated itself in a loop.
 */
export type FinishReason = 'stop' | 'length' | 'repetition';

/** A picture of a prompt. Pictures and features travel as files, so that messages stay small. */
export interface ImageFile {
  /** Names what the features are made from: of the picture's bytes and the model's revision. */
  readonly key: string;
  /** A file that holds what `encodePaddedImage` makes. */
  readonly path: string;
  /** A file with the features that an earlier call has kept. It is read only where the picture is not in memory. */
  readonly featuresPath?: string | undefined;
  /** Where to write the features when they have to be made: a path where nothing is yet. */
  readonly saveFeaturesTo?: string | undefined;
}

export interface GenerateRequest {
  /** The user's turn, or several turns; the chat template is put around them. */
  readonly prompt: readonly PromptPart[];
  /** One per image of the prompt, in the same order. */
  readonly images: readonly ImageFile[];
  /** Most tokens of the answer, those of `resume` included. */
  readonly maxTokens: number;
  /** Tokens of this answer that an earlier, interrupted run has made. The result is that of an undisturbed run. */
  readonly resume?: readonly number[] | undefined;
  /** Greedy when left out. */
  readonly sampling?: Sampling | undefined;
  /** Texts that end the answer; it does not contain them. */
  readonly stop?: readonly string[] | undefined;
}

export interface GenerateOptions {
  readonly signal?: AbortSignal | undefined;
  /** Gets all new tokens since its last call, in order, those of `resume` not. */
  readonly onTokens?: ((tokens: readonly number[]) => void) | undefined;
  /** Gets new text, those of `resume` included. Pieces never end within a character. */
  readonly onText?: ((text: string) => void) | undefined;
  /** Called when the features of image `index` have been made and written to its `keep`. */
  readonly onFeaturesSaved?: ((index: number) => void) | undefined;
}

export interface Generation {
  /** Ids of the whole answer, those of `resume` included, the stop token not. Empty where they cannot be known. */
  readonly tokens: readonly number[];
  readonly text: string;
  readonly finishReason: FinishReason;
  /** Tokens of the prompt, image tokens included. */
  readonly promptTokens: number;
  readonly imageTokens: number;
  readonly outputTokens: number;
  /** Time that the model worked on this answer: steps shared with others count in part. */
  readonly modelSeconds: number;
  /** Pictures whose features had to be made. */
  readonly visionCalls: number;
  /** Answers that its steps served on average. */
  readonly averageBatchSize: number;
}

/** What is known of whatever answers prompts. */
export interface GeneratorInfo {
  /** Name and version of the runtime and where it runs, such as `onnxruntime 1.30.0 cpu (C API, in place)`. */
  readonly runtime: string;
  /** Answers that it works on at once. */
  readonly maxConcurrency: number;
  /** It goes on from `resume`; else it begins anew. */
  readonly supportsResume: boolean;
}

/** Whatever answers prompts: the model host, or an endpoint with OpenAI's interface. */
export interface Generator extends AsyncDisposable {
  readonly info: GeneratorInfo;
  /**
   * Generates the answer to one prompt.
   *
   * @throws ModelError `prompt_invalid`, `image_invalid`, `context_exceeded`, `memory_exceeded`, `cancelled`, `crashed`,
   * `runtime`; of an endpoint also `unavailable`, `refused`, `model_missing`.
   */
  generate(request: GenerateRequest, options?: GenerateOptions): Promise<Generation>;
}
