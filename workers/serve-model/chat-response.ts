/** Generations in OpenAI's format: a chat completion, or the chunks of a stream. */
import type { Generation } from '../../phi3v/index.ts';

/** Members that all chunks of one completion share. */
export interface CompletionHead {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

/** OpenAI's `finish_reason` has no value for repetition, which is reported as `stop`. */
function openAiFinishReason({ finishReason: reason }: Generation): 'stop' | 'length' {
  return reason === 'length' ? 'length' : 'stop';
}

function toUsage({ promptTokens, imageTokens, outputTokens }: Generation): object {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: 0, image_tokens: imageTokens },
  };
}

/** An extension of OpenAI's format. `text` replaces the text of the chunks after a repetition. */
function toExtension(generation: Generation): object {
  const { finishReason: reason, modelSeconds, visionCalls, averageBatchSize, text } = generation;
  return {
    finish_reason: reason,
    model_seconds: modelSeconds,
    vision_calls: visionCalls,
    average_batch_size: averageBatchSize,
    ...(reason === 'repetition' ? { text } : {}),
  };
}

export function toChatCompletion(head: CompletionHead, generation: Generation): object {
  return {
    ...head,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: generation.text, refusal: null },
        logprobs: null,
        finish_reason: openAiFinishReason(generation),
      },
    ],
    usage: toUsage(generation),
    frameloom: toExtension(generation),
  };
}

/** The chunks of a stream. With `usage`, an additional last chunk has it, and it is null in all others. */
export function createChunks(head: CompletionHead, usage: boolean) {
  const chunk = (delta: object, reason: 'stop' | 'length' | null): object => ({
    ...head,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    ...(usage ? { usage: null } : {}),
  });
  return {
    first: (): object => chunk({ role: 'assistant', content: '', refusal: null }, null),
    text: (content: string): object => chunk({ content }, null),
    last: (generation: Generation): readonly object[] => [
      { ...chunk({}, openAiFinishReason(generation)), frameloom: toExtension(generation) },
      ...(usage
        ? [{ ...head, object: 'chat.completion.chunk', choices: [], usage: toUsage(generation) }]
        : []),
    ],
  };
}
