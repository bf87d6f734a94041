import { ModelError } from '../../onnx/index.ts';
import { maxLength, type ScheduledRequest } from './sequence.ts';

/** What the scheduler needs to know about the model. */
export interface GenerationLimits {
  /** Most tokens of prompt and output together. */
  readonly contextLength: number;
  /** Above this many tokens the rope uses its long factors. */
  readonly ropeSwitch: number;
  /** Token ids that end a generation. */
  readonly stopIds: readonly number[];
  /** Token ids are below this; the logits may be wider. */
  readonly vocabulary: number;
  /** Most sequences that prefill and decode at the same time. */
  readonly maxConcurrency: number;
  /**
   * Tokens per prefill call: bounds memory, and how long running sequences wait for the prompt of a new one.
   */
  readonly prefillChunkTokens: number;
}

/** @throws ModelError `prompt_invalid`, `context_exceeded`. */
export function checkRequest(request: ScheduledRequest, limits: GenerationLimits): void {
  const { promptIds, maxTokens, resume } = request;
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 1) {
    throw new ModelError('prompt_invalid', 'The number of tokens to generate must be a positive integer.');
  }
  if (maxLength(request) > limits.contextLength) {
    throw new ModelError(
      'context_exceeded',
      `${promptIds.length} prompt tokens and ${maxTokens} output tokens exceed the context of ${limits.contextLength} tokens.`,
    );
  }
  const isToken = (id: number): boolean =>
    Number.isSafeInteger(id) && id >= 0 && id < limits.vocabulary && !limits.stopIds.includes(id);
  if (resume.length > maxTokens || !resume.every(isToken)) {
    throw new ModelError(
      'prompt_invalid',
      'The tokens to resume from are not the beginning of an output of this prompt.',
    );
  }
}
