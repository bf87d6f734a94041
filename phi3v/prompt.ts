import { ModelError } from './errors.ts';
import type { Tokenizer } from './tokenizer.ts';

/** A piece of a prompt: text, or the image of that index. */
export type PromptPart = { readonly text: string } | { readonly image: number };

/** A prompt as ids. Image slots are negative: -1 for the first image, -2 for the second. */
export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** How many of `ids` are image slots. */
  readonly imageTokens: number;
}

const BEFORE = '<|user|>\n';
const AFTER = '<|end|>\n<|assistant|>\n';

/**
 * One user turn as `processing_phi3_v.py` makes it: each stretch of text between images is encoded by itself, with a
 * beginning-of-sequence token of its own, empty stretches too. Special tokens in the callers' text are neutralised.
 *
 * @param imageLengths tokens of each image.
 * @throws ModelError `prompt_invalid` unless the images occur once each and in order: the embedding graph fills the slots
 * in image order whatever their numbers say.
 */
export function encodePrompt(
  parts: readonly PromptPart[],
  imageLengths: readonly number[],
  tokenizer: Tokenizer,
): EncodedPrompt {
  const texts = [''];
  for (const part of parts) {
    if ('text' in part) {
      // Joined before it is neutralised, so that no special token comes about between two parts.
      texts.push(`${texts.pop() ?? ''}${part.text}`);
    } else if (part.image === texts.length - 1) {
      texts.push('');
    } else {
      throw new ModelError('prompt_invalid', 'The images of a prompt must occur once each and in order.');
    }
  }
  if (texts.length - 1 !== imageLengths.length) {
    const got = `the prompt has ${texts.length - 1} images, the request ${imageLengths.length}`;
    throw new ModelError('prompt_invalid', `Every image must occur in the prompt: ${got}.`);
  }
  const ids: number[] = [];
  texts.forEach((text, i) => {
    const plain = tokenizer.neutralise(text);
    const before = i === 0 ? BEFORE : '';
    const after = i === texts.length - 1 ? AFTER : '';
    for (const id of tokenizer.encode(`${before}${plain}${after}`)) ids.push(id);
    for (let slot = 0; slot < (imageLengths[i] ?? 0); slot++) ids.push(-(i + 1));
  });
  return { ids, imageTokens: imageLengths.reduce((sum, length) => sum + length, 0) };
}
