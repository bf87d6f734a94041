/** What merging can take at most, before there is anything to merge. */

import type { ModelPlan } from '../schema/model-plan.ts';
import type { JobOptions } from '../schema/stored-request.ts';

/** Tokens of the prompt's own words. */
const INSTRUCTION_TOKENS = 64;
/** Tokens around each line: its number and its break. */
const LINE_TOKENS = 4;
/** Characters per token, for an upper bound of what a user's own words cost. */
const CHARACTERS_PER_TOKEN = 2;

export interface MergeBound {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** Of `segments` segments with `pictures` pictures: sections with their titles, the levels above, and the title of it all. */
export function maxMergeUsage(
  segments: number,
  pictures: number,
  { merge, tokens }: ModelPlan,
  { mergePromptLength, max_tokens }: Pick<JobOptions, 'mergePromptLength' | 'max_tokens'>,
): MergeBound {
  const words = INSTRUCTION_TOKENS + Math.ceil(mergePromptLength / CHARACTERS_PER_TOKEN);
  const longest = max_tokens ?? tokens.summary;
  const captions = Math.min(pictures, merge.captions) * (tokens.captionPerImage + LINE_TOKENS);
  // A section says no more than its captions do.
  const section = Math.min(longest, captions);
  // Cutting where something new begins may fill groups by half only.
  let groups = Math.min(segments, Math.ceil((2 * pictures) / merge.captions));
  let inputTokens = groups * 2 * (words + captions) + words + longest;
  let outputTokens = groups * (section + tokens.title) + tokens.title;
  while (groups > 1) {
    groups = Math.ceil(groups / merge.parts);
    // Parts are cut to what may be answered.
    inputTokens += groups * (words + Math.min(longest, merge.parts * section));
    outputTokens += groups * Math.min(longest, merge.parts * section);
  }
  return { inputTokens, outputTokens };
}
