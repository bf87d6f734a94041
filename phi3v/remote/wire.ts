/**
 * The members of an OpenAI-compatible endpoint's responses that are used; others are ignored.
 */
import { z } from 'zod';

export const ModelList = z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1) })).min(1) });

const ErrorBody = z.looseObject({
  message: z.string(),
  code: z.union([z.string(), z.number()]).nullish(),
});

/** OpenAI's form, and the one of older vLLM versions without the outer object. */
export const ErrorResponse = z.union([
  z.looseObject({ error: ErrorBody }).transform(({ error }) => error),
  ErrorBody.extend({ object: z.literal('error') }),
]);
export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** Member `frameloom` of the last chunk of `frameloom serve-model`, which OpenAI's API does not have. */
const Extension = z.object({
  finish_reason: z.enum(['stop', 'length', 'repetition']),
  model_seconds: z.number(),
  vision_calls: z.number(),
  average_batch_size: z.number(),
  /** The whole text, if it replaces that of the chunks: after a repetition. */
  text: z.string().optional(),
});

export const ResponseChunk = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        delta: z.looseObject({ content: z.string().nullish() }).optional(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  usage: z.looseObject({ prompt_tokens: z.number(), completion_tokens: z.number().default(0) }).nullish(),
  frameloom: Extension.optional(),
});
export type ResponseChunk = z.infer<typeof ResponseChunk>;
