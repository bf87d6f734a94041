import { ModelError } from '../../onnx/index.ts';
import type { Tokenizer } from './tokenizer.ts';

/** The author of a turn. */
export type Role = 'system' | 'user' | 'assistant';

/**
 * A part of a prompt: text, the image with that index, or the start of a turn. Parts before the first turn
 * belong to the user, so a prompt of one turn needs no `role`.
 */
export type PromptPart = { readonly text: string } | { readonly image: number } | { readonly role: Role };

/** A prompt as token ids. Image slots are negative: -1 for the first image, -2 for the second. */
export interface EncodedPrompt {
  readonly ids: readonly number[];
  /** Number of image slots in `ids`. */
  readonly imageTokens: number;
}

const END = '<|end|>\n';
const startOf = (role: Role): string => `<|${role}|>\n`;

/**
 * Encodes turns as the chat template and `processing_phi3_v.py` (microsoft/Phi-3.5-vision-instruct) do, up to
 * the start of the assistant's turn. The texts before, between and after the images are encoded separately,
 * each with its own beginning-of-sequence token, even where they are empty. Special tokens in the callers'
 * text are escaped.
 *
 * @param imageLengths number of tokens of each image.
 * @throws ModelError `prompt_invalid` unless the last turn is the user's and each image occurs once, in
 * order: the embedding graph fills the slots in the order of the images, whatever their numbers.
 */
export function encodePrompt(
  parts: readonly PromptPart[],
  imageLengths: readonly number[],
  tokenizer: Tokenizer,
): EncodedPrompt {
  const texts = splitAtImages(parts, tokenizer);
  const images = texts.length - 1;
  if (images !== imageLengths.length) {
    const found = `the prompt has ${images} images, the request has ${imageLengths.length}`;
    throw new ModelError('prompt_invalid', `Every image must occur in the prompt: ${found}.`);
  }
  const ids: number[] = [];
  texts.forEach((text, i) => {
    for (const id of tokenizer.encode(text)) ids.push(id);
    for (let slot = 0; slot < (imageLengths[i] ?? 0); slot++) ids.push(-(i + 1));
  });
  return { ids, imageTokens: imageLengths.reduce((sum, length) => sum + length, 0) };
}

/** The texts before, between and after the images, including the chat template. */
function splitAtImages(parts: readonly PromptPart[], tokenizer: Tokenizer): readonly string[] {
  const texts: string[] = [];
  const [first] = parts;
  let role: Role = first !== undefined && 'role' in first ? first.role : 'user';
  let current = startOf(role);
  // Joined before it is escaped: a special token may be split over two parts.
  let unescaped = '';
  const escapeText = (): void => {
    current += tokenizer.escapeSpecialTokens(unescaped);
    unescaped = '';
  };
  for (const [index, part] of parts.entries()) {
    if ('text' in part) {
      unescaped += part.text;
    } else if ('role' in part) {
      if (index === 0) continue;
      escapeText();
      role = part.role;
      current += `${END}${startOf(role)}`;
    } else if (part.image === texts.length) {
      escapeText();
      texts.push(current);
      current = '';
    } else {
      throw new ModelError('prompt_invalid', 'Each image of a prompt must occur once, in order.');
    }
  }
  if (role !== 'user')
    throw new ModelError('prompt_invalid', "The last turn of a prompt must be the user's.");
  escapeText();
  return [...texts, `${current}${END}${startOf('assistant')}`];
}
