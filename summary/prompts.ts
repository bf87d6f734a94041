/**
 * All prompts. `PROMPTS_VERSION` is part of the digest of every generation: change it whenever a text below
 * changes. The bundled model was trained on exactly these texts.
 */

export const PROMPTS_VERSION = '1';

/** A part of a prompt: text, or the index of an image. The runtime adds the chat template. */
export type PromptPart = { readonly text: string } | { readonly image: number };

const DESCRIBE = 'Describe each image in one line, starting with its number.';
const SUMMARIZE = 'Summarize them in order, each thing once.';
const TITLE = 'Give a title of at most six words.';
const CAPTIONS_HEAD = 'These are captions of consecutive images:';
const PARTS_HEAD = 'These are summaries of consecutive parts:';

/** Prompts of the request: `focus` is added to the instruction of a stage, `instruction` replaces it. */
export interface UserPrompts {
  readonly focus?: string | undefined;
  readonly instruction?: string | undefined;
}

/** Text of the source that a prompt quotes as data, for models that follow instructions. */
export interface QuotedText {
  readonly kind: 'slides' | 'speech';
  readonly lines: readonly string[];
}

const QUOTE_HEAD = {
  slides: 'Text that belongs to these images, quoted:',
  speech: 'Words spoken while these images were shown, quoted:',
} as const;

/** Prompts for one numbered line per image. It contains no time: the model refers to images by number. */
export function captionPrompt(images: number, user: UserPrompts, quoted?: QuotedText): readonly PromptPart[] {
  const parts: PromptPart[] = [];
  for (let image = 0; image < images; image += 1) {
    parts.push({ text: `${image === 0 ? '' : '\n'}${image + 1}:\n` }, { image });
  }
  parts.push({ text: `\n${quoted ? quote(quoted) : ''}${instructionWithFocus(DESCRIBE, user)}` });
  return parts;
}

/** Prompts for one text from captions (level 0) or from partial summaries (the levels above). */
export function mergePrompt(
  lines: readonly string[],
  level: 'captions' | 'parts',
  user: UserPrompts,
): readonly PromptPart[] {
  return [
    {
      text: `${level === 'captions' ? CAPTIONS_HEAD : PARTS_HEAD}\n${numbered(lines)}\n${instructionWithFocus(SUMMARIZE, user)}`,
    },
  ];
}

/** Prompts for a short title. */
export function titlePrompt(lines: readonly string[]): readonly PromptPart[] {
  return [{ text: `${CAPTIONS_HEAD}\n${numbered(lines)}\n${TITLE}` }];
}

/** Quotes lines of the source. A line cannot close its quotation marks or start a new line. */
function quote({ kind, lines }: QuotedText): string {
  const quoted = lines.map((line) => `"${oneLine(line).replaceAll('"', "'")}"`);
  return `${QUOTE_HEAD[kind]}\n${quoted.join('\n')}\n`;
}

function instructionWithFocus(instruction: string, user: UserPrompts): string {
  const focus = user.focus === undefined ? '' : `Keep in mind: ${oneLine(user.focus)}\n`;
  return focus + (user.instruction ?? instruction);
}

function numbered(lines: readonly string[]): string {
  return lines.map((line, index) => `${index + 1}. ${oneLine(line)}`).join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
