/** The profile of a model: the file `frameloom.json` in the folder of its weights. */
import { z } from 'zod';

export const ModelProfile = z.strictObject({
  name: z.string(),
  revision: z.string(),
  license: z.string(),
  /** `numbered-lines`: one line per image, each starting with the number of its image. */
  prompt_style: z.literal('numbered-lines'),
  /** Whether the model follows the instructions of a user's prompt. */
  follows_instructions: z.boolean(),
  /** `num_crops` of the preprocessing, by level of detail. */
  detail: z.object({ low: z.int().positive(), medium: z.int().positive(), high: z.int().positive() }),
  /** Maximum number of images in one prompt, by `num_crops`. */
  images_per_prompt: z.record(z.string().regex(/^\d+$/), z.int().positive()),
  /** Maximum number of lines in a merge prompt: captions on the first level, partial summaries above it. */
  merge: z.object({ captions: z.int().min(2), parts: z.int().min(2) }),
  /**
   * Maximum number of tokens of a prompt and its generation. Phi-3.5 works best below the length at which it
   * switches RoPE tables.
   */
  prompt_tokens: z.int().positive().default(4096),
  /** Default length limits in tokens. */
  tokens: z.object({
    caption_per_image: z.int().positive(),
    summary: z.int().positive(),
    title: z.int().positive(),
  }),
  /** Typical lengths of generations in tokens, for estimates without earlier jobs. */
  typical: z.object({ caption: z.number().positive(), title: z.number().positive() }).optional(),
  /**
   * Share of a summary sentence that its segments must support, 0 to 1. At 1 the sentence must be one of
   * their captions, which suits a model that merges by copying.
   */
  evidence: z.number().min(0).max(1).default(0.6),
  /** Download location of weights that are not in the repository. */
  download: z.object({ repository: z.string(), revision: z.string(), folder: z.string() }).optional(),
});
export type ModelProfile = z.infer<typeof ModelProfile>;
