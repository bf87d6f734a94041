/** Upper bound of the tokens of all merges of a job, known before the first merge. */

import type { ModelPlan } from '../schema/model-plan.ts';
import type { JobOptions } from '../schema/stored-request.ts';

/** Tokens of the prompt without its lines. */
const INSTRUCTION_TOKENS = 64;
/** Tokens around each line: its number and its line break. */
const LINE_TOKENS = 4;
/** Characters per token, for an upper bound of the tokens of a user's prompt. */
const CHARACTERS_PER_TOKEN = 2;

export interface MergeBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * The bound for `segments` segments with `images` images: sections with their titles, the levels above, and
 * the title of the job.
 */
export function maxMergeUsage(
  segments: number,
  images: number,
  { merge, tokens }: ModelPlan,
  { mergePromptLength, max_tokens }: Pick<JobOptions, 'mergePromptLength' | 'max_tokens'>,
): MergeBound {
  const promptTokens = INSTRUCTION_TOKENS + Math.ceil(mergePromptLength / CHARACTERS_PER_TOKEN);
  const longest = max_tokens ?? tokens.summary;
  const captions = Math.min(images, merge.captions) * (tokens.captionPerImage + LINE_TOKENS);
  // A section is at most as long as its captions.
  const section = Math.min(longest, captions);
  // Groups are cut where a new subject starts, and may be half full.
  let groups = Math.min(segments, Math.ceil((2 * images) / merge.captions));
  let inputTokens = groups * 2 * (promptTokens + captions) + promptTokens + longest;
  let outputTokens = groups * (section + tokens.title) + tokens.title;
  while (groups > 1) {
    groups = Math.ceil(groups / merge.parts);
    // Inputs are cut to the length of the output.
    inputTokens += groups * (promptTokens + Math.min(longest, merge.parts * section));
    outputTokens += groups * Math.min(longest, merge.parts * section);
  }
  return { inputTokens, outputTokens };
}
