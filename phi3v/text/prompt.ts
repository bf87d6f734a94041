import { ModelError } from '../../onnx/index.ts';
import type { Tokenizer } from './tokenizer.ts';

/** Who says a turn. */
export type Role = 'system' | 'user' | 'assistant';

/**
 * A piece of a prompt: text, the image of that index, or the beginning of a turn. What comes before the first beginning is
 * said by the user, so a prompt of one turn names none.
 */
export type PromptPart = { readonly text: string } | { readonly image: number } | { readonly role: Role };

/** A prompt as ids. Image slots are negative: -1 for the first image, -2 for the second. */
export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** How many of `ids` are image slots. */
  readonly imageTokens: number;
}

const END = '<|end|>\n';
const begin = (role: Role): string => `<|${role}|>\n`;

/**
 * The turns as the chat template and `processing_phi3_v.py` make them, up to where the answer begins: each stretch of text
 * between images is encoded by itself, with a beginning-of-sequence token of its own, empty stretches too. Special tokens
 * in the callers' text are neutralised.
 *
 * @param imageLengths tokens of each image.
 * @throws ModelError `prompt_invalid` unless the last turn is the user's, and the images occur once each and in order: the
 * embedding graph fills the slots in image order whatever their numbers say.
 */
export function encodePrompt(
  parts: readonly PromptPart[],
  imageLengths: readonly number[],
  tokenizer: Tokenizer,
): EncodedPrompt {
  const stretches = splitAtImages(parts, tokenizer);
  const images = stretches.length - 1;
  if (images !== imageLengths.length) {
    const got = `the prompt has ${images} images, the request ${imageLengths.length}`;
    throw new ModelError('prompt_invalid', `Every image must occur in the prompt: ${got}.`);
  }
  const ids: number[] = [];
  stretches.forEach((stretch, i) => {
    for (const id of tokenizer.encode(stretch)) ids.push(id);
    for (let slot = 0; slot < (imageLengths[i] ?? 0); slot++) ids.push(-(i + 1));
  });
  return { ids, imageTokens: imageLengths.reduce((sum, length) => sum + length, 0) };
}

/** What stands before, between and after the images, template included. */
function splitAtImages(parts: readonly PromptPart[], tokenizer: Tokenizer): readonly string[] {
  const stretches: string[] = [];
  const [first] = parts;
  let role: Role = first !== undefined && 'role' in first ? first.role : 'user';
  let stretch = begin(role);
  // Joined before it is neutralised, so that no special token comes about between two parts.
  let text = '';
  const settle = (): void => {
    stretch += tokenizer.escapeSpecialTokens(text);
    text = '';
  };
  for (const [index, part] of parts.entries()) {
    if ('text' in part) {
      text += part.text;
    } else if ('role' in part) {
      if (index === 0) continue;
      settle();
      role = part.role;
      stretch += `${END}${begin(role)}`;
    } else if (part.image === stretches.length) {
      settle();
      stretches.push(stretch);
      stretch = '';
    } else {
      throw new ModelError('prompt_invalid', 'The images of a prompt must occur once each and in order.');
    }
  }
  if (role !== 'user')
    throw new ModelError('prompt_invalid', "The last turn of a prompt must be the user's.");
  settle();
  return [...stretches, `${stretch}${END}${begin('assistant')}`];
}
