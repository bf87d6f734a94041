/** `frameloom.json` beside the weights: what the plan may ask of a model. */
import { z } from 'zod';

export const ModelProfile = z.strictObject({
  name: z.string(),
  revision: z.string(),
  license: z.string(),
  /** `numbered-lines`: one line per image, each starting with the number of its image. */
  prompt_style: z.literal('numbered-lines'),
  /** Whether a user's own prompt changes what the model does. */
  follows_instructions: z.boolean(),
  /** `num_crops` of the preprocessing per detail level. */
  detail: z.object({ low: z.int().positive(), medium: z.int().positive(), high: z.int().positive() }),
  /** Most images in one prompt, by `num_crops`. */
  images_per_prompt: z.record(z.string().regex(/^\d+$/), z.int().positive()),
  /** Most lines of one merge prompt: captions on the first level, partial summaries above it. */
  merge: z.object({ captions: z.int().min(2), parts: z.int().min(2) }),
  /** Most tokens of one prompt and its answer, where the model is at its best (Phi-3.5: below the switch of its rope tables). */
  prompt_tokens: z.int().positive().default(4096),
  /** Default length limits in tokens. */
  tokens: z.object({
    caption_per_image: z.int().positive(),
    summary: z.int().positive(),
    title: z.int().positive(),
  }),
  /** What answers usually have, for estimates until jobs have shown it. */
  typical: z.object({ caption: z.number().positive(), title: z.number().positive() }).optional(),
  /**
   * Share of a summary sentence that its segments must support, 0 to 1; at 1 the sentence must be one of their captions. A model
   * that merges by copying can be held to 1.
   */
  evidence: z.number().min(0).max(1).default(0.6),
  /** Where weights that are not in the repository come from. */
  download: z.object({ repository: z.string(), revision: z.string(), folder: z.string() }).optional(),
});
export type ModelProfile = z.infer<typeof ModelProfile>;
