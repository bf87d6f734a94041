/** Estimates the tokens of a job from its images, before any generation exists. */
import type { ModelPlan } from '../schema/model-plan.ts';
import { mergeGroups } from './plan.ts';

/** Tokens of the caption prompt without its images, and of the label of each image. */
const CAPTION_PROMPT_TOKENS = 22;
const LABEL_TOKENS = 6;
/** Tokens of a merge prompt without its lines. */
const MERGE_PROMPT_TOKENS = 28;
/** Characters per token of a user's prompt, and tokens of the text around it. */
const CHARACTERS_PER_TOKEN = 3;
const USER_PROMPT_TOKENS = 8;

/** Expected lengths of generations. */
export interface TypicalLengths {
  /** Tokens of the line of an image, including its number. */
  readonly caption: number;
  readonly title: number;
  /** Share of captions that differ from the previous one. */
  readonly distinct: number;
}

export interface SegmentImages {
  readonly images: number;
  readonly imageTokens: number;
  /** Tokens of quoted text. */
  readonly quotedTokens: number;
}

export interface TokenCounts {
  readonly input: number;
  readonly output: number;
}

export interface UserPromptLengths {
  /** Characters of the user's prompts for captions and for merges. */
  readonly caption: number;
  readonly merge: number;
}

/** Returns `most` evenly spread indexes below `count`, starting with 0; all of them if there are no more. */
export function spreadIndexes(count: number, most: number): readonly number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, index) => Math.floor((index * count) / taken));
}

/** Estimates the tokens of all generations of a job. */
export function estimateTokens(
  segments: readonly SegmentImages[],
  model: ModelPlan,
  longestSummary: number,
  own: UserPromptLengths,
  { caption, distinct, title: titleTokens }: TypicalLengths,
): TokenCounts {
  let [input, output] = [0, 0];
  for (const { images, imageTokens, quotedTokens } of segments) {
    if (images === 0) continue; // described by their own text
    input +=
      CAPTION_PROMPT_TOKENS + tokensOf(own.caption) + imageTokens + images * LABEL_TOKENS + quotedTokens;
    output += images * caption;
  }
  const longest = (tokens: number): number => Math.min(tokens, longestSummary);
  const merge = (tokens: number): void => {
    input += MERGE_PROMPT_TOKENS + tokensOf(own.merge) + tokens;
    output += longest(tokens);
  };
  const title = (lines: number): void => {
    input += MERGE_PROMPT_TOKENS + lines * caption;
    output += Math.min(titleTokens, model.tokens.title);
  };
  const items = segments.map(({ images }) => ({ lines: Math.max(1, images * distinct) }));
  let texts: number[] = [];
  for (const { first, last } of mergeGroups(items, model.merge.captions)) {
    const lines = items.slice(first, last).reduce((sum, item) => sum + item.lines, 0);
    // A single line is its own summary.
    if (lines > 1) merge(lines * caption);
    title(lines);
    texts.push(longest(lines * caption));
  }
  // A model that copies gives one section and the job the same title: the second is found in the store.
  const isFound = texts.length === 1 && model.evidence === 1 && own.merge === 0;
  while (texts.length > 1) {
    const groups = mergeGroups(
      texts.map(() => ({ lines: 1 })),
      model.merge.parts,
    );
    texts = groups.map(({ first, last }) => {
      const parts = texts.slice(first, last);
      const tokens = longest(parts.reduce((sum, text) => sum + text, 0));
      if (parts.length > 1) merge(tokens);
      return tokens;
    });
  }
  if (!isFound) title(Math.min(model.merge.captions, Math.max(1, (texts[0] ?? 0) / Math.max(1, caption))));
  return { input: Math.round(input), output: Math.round(output) };
}

function tokensOf(characters: number): number {
  return characters === 0 ? 0 : USER_PROMPT_TOKENS + characters / CHARACTERS_PER_TOKEN;
}
