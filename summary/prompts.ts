/**
 * Every word the product says to a model, in one place. `PROMPTS_VERSION` is part of every artifact made with them: change
 * it whenever a text below changes. The bundled model was trained on exactly these texts.
 */

export const PROMPTS_VERSION = '1';

/** A prompt as text and pictures in order; the runtime puts its chat template around it. */
export type PromptPart = { readonly text: string } | { readonly image: number };

const DESCRIBE = 'Describe each image in one line, starting with its number.';
const SUMMARIZE = 'Summarize them in order, each thing once.';
const TITLE = 'Give a title of at most six words.';
const CAPTIONS_HEAD = 'These are captions of consecutive images:';
const PARTS_HEAD = 'These are summaries of consecutive parts:';

/** What a user may say to a stage: `focus` is added to the instruction, `instruction` replaces it. */
export interface UserPrompts {
  readonly focus?: string | undefined;
  readonly instruction?: string | undefined;
}

/** Words that are there already, for models that can make use of them: quoted, never followed. */
export interface QuotedText {
  readonly kind: 'slides' | 'speech';
  readonly lines: readonly string[];
}

const WORDS_HEAD = {
  slides: 'Text that belongs to these images, quoted:',
  speech: 'Words spoken while these images were shown, quoted:',
} as const;

/** Asks for one numbered line per picture. The model never sees a time: it speaks of pictures by number. */
export function captionPrompt(images: number, user: UserPrompts, words?: QuotedText): readonly PromptPart[] {
  const parts: PromptPart[] = [];
  for (let image = 0; image < images; image += 1) {
    parts.push({ text: `${image === 0 ? '' : '\n'}${image + 1}:\n` }, { image });
  }
  parts.push({ text: `\n${words ? quote(words) : ''}${ask(DESCRIBE, user)}` });
  return parts;
}

/** Asks for one text from captions (first level) or from partial summaries (levels above). */
export function mergePrompt(
  lines: readonly string[],
  level: 'captions' | 'parts',
  user: UserPrompts,
): readonly PromptPart[] {
  return [
    {
      text: `${level === 'captions' ? CAPTIONS_HEAD : PARTS_HEAD}\n${numbered(lines)}\n${ask(SUMMARIZE, user)}`,
    },
  ];
}

/** Asks for a short title. */
export function titlePrompt(lines: readonly string[]): readonly PromptPart[] {
  return [{ text: `${CAPTIONS_HEAD}\n${numbered(lines)}\n${TITLE}` }];
}

/** Lines of the source cannot leave their quotation marks, nor end their line. */
function quote({ kind, lines }: QuotedText): string {
  const quoted = lines.map((line) => `"${oneLine(line).replaceAll('"', "'")}"`);
  return `${WORDS_HEAD[kind]}\n${quoted.join('\n')}\n`;
}

function ask(instruction: string, user: UserPrompts): string {
  const focus = user.focus === undefined ? '' : `Keep in mind: ${oneLine(user.focus)}\n`;
  return focus + (user.instruction ?? instruction);
}

function numbered(lines: readonly string[]): string {
  return lines.map((line, index) => `${index + 1}. ${oneLine(line)}`).join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
