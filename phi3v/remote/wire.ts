/**
 * What is read of the answers of an endpoint with OpenAI's interface. Everything else in them is left alone.
 */
import { z } from 'zod';

export const ModelList = z.looseObject({ data: z.array(z.looseObject({ id: z.string().min(1) })).min(1) });

const ErrorBody = z.looseObject({
  message: z.string(),
  code: z.union([z.string(), z.number()]).nullish(),
});

/** OpenAI's form, and the bare one of older vLLM. */
export const ErrorResponse = z.union([
  z.looseObject({ error: ErrorBody }).transform(({ error }) => error),
  ErrorBody.extend({ object: z.literal('error') }),
]);
export type ErrorResponse = z.infer<typeof ErrorResponse>;

/** What our own endpoint says beyond OpenAI's interface, with the last piece of an answer. */
const Extension = z.object({
  finish_reason: z.enum(['stop', 'length', 'repetition']),
  model_seconds: z.number(),
  vision_calls: z.number(),
  average_batch_size: z.number(),
  /** The text to use in place of the pieces, where they go round in a loop. */
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
