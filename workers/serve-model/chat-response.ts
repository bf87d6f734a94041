/** Answers in OpenAI's form, whole and as a stream. */
import type { Generation } from '../../phi3v/index.ts';

/** What all pieces of one answer have in common. */
export interface CompletionHead {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
}

/** OpenAI's `finish_reason` knows no loops: an answer that was cut at one counts as ended. */
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

/**
 * Beyond OpenAI's interface: what it cannot say. `text` replaces the pieces of a stream that went round in a
 * loop.
 */
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

/**
 * The pieces of a streamed answer. With `usage`, one more piece at the end has it, and all others say null.
 */
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
