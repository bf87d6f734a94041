/** Slide text and transcripts: what a prompt quotes and what a result contains. Pure. */
import type { ResultCue, ResultSlide } from '../schema/result.ts';
import type { Cue } from '../schema/source.ts';

/** Longest caption made from the text of a slide. */
const MAX_QUOTE_CHARACTERS = 400;
/** Longest transcript of one segment in a result. */
const MAX_TRANSCRIPT_CHARACTERS = 20_000;

/** Whether the slide has no text at all. */
export function isTextless({
  title,
  text,
  notes,
  alt,
}: Pick<ResultSlide, 'title' | 'text' | 'notes'> & {
  readonly alt?: readonly string[] | undefined;
}): boolean {
  return !title && !text && !notes && !alt?.length;
}

/** The caption of a slide without an image: its title, text, image descriptions and notes. */
export function quoteSlide(slide: ResultSlide): string {
  const lines = [bodyOf(slide).join('; '), (slide.alt ?? []).join('; '), slide.notes ?? ''];
  const said = lines.map(oneLine).filter((line) => line !== '');
  const title = oneLine(slide.title ?? '');
  const whole = [title === '' ? '' : said.length > 0 ? `${title}:` : title, ...said.map(endSentence)].join(
    ' ',
  );
  return cut(endSentence(whole.trim()), MAX_QUOTE_CHARACTERS);
}

/**
 * Lines for a prompt with the text of each slide of a segment, numbered like its images, with at most
 * `tokens` tokens together. A slide without text has no line.
 */
export function slideTextLines(
  slides: readonly (ResultSlide | undefined)[],
  tokens: number,
): readonly string[] {
  const worded = slides.filter((slide) => slide && !isTextless(slide)).length;
  return slides.flatMap((slide, index) => {
    if (!slide || isTextless(slide)) return [];
    const notes = slide.notes ? `Notes: ${slide.notes}` : '';
    const words = oneLine(
      [slide.title ?? '', bodyOf(slide).join('; '), notes].filter((part) => part !== '').join('. '),
    );
    return [`${index + 1}: ${truncateToTokens(words, tokens / worded - 4)}`];
  });
}

/** The cues that start in `[start, end)`, as one text. */
export function transcriptBetween(cues: readonly Cue[], start: number, end: number): string {
  return cues
    .filter((cue) => cue.start >= start && cue.start < end)
    .map(({ text }) => text)
    .join(' ');
}

/**
 * Returns a function for the cues that start in `[start, end)`, in the shape of a result. The cues may have
 * any order; the number of a cue is its index. At most `MAX_TRANSCRIPT_CHARACTERS` characters are returned:
 * the cue that exceeds the limit is cut, later ones are left out.
 */
export function createTranscriptReader(
  cues: readonly Cue[],
): (start: number, end: number) => readonly ResultCue[] {
  const isSorted = cues.every((cue, index) => index === 0 || (cues[index - 1]?.start ?? 0) <= cue.start);
  /** Index of the first cue that starts at `time` or later. */
  const firstAt = (time: number): number => {
    let [low, high] = [0, cues.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cues[middle]?.start ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return (start, end) => {
    const [first, last] = isSorted ? [firstAt(start), firstAt(end)] : [0, cues.length];
    const found: ResultCue[] = [];
    let left = MAX_TRANSCRIPT_CHARACTERS;
    for (let index = first; index < last && left > 0; index += 1) {
      const cue = cues[index];
      if (!cue || cue.start < start || cue.start >= end) continue;
      found.push({ cue: index, start_time: cue.start, end_time: cue.end, text: cut(cue.text, left) });
      left -= cue.text.length;
    }
    return found;
  };
}

/**
 * Shortens `text` to at most `tokens` tokens by a safe estimate: two ASCII characters per token, one byte per
 * token for other scripts. Keeps whole words from the start and the end.
 */
export function truncateToTokens(text: string, tokens: number): string {
  if (tokensOf(text) <= tokens) return text;
  const words = text.split(' ');
  const head: string[] = [];
  const tail: string[] = [];
  let left = tokens - 2;
  for (let first = 0, last = words.length - 1; first <= last; ) {
    const fromHead = head.length <= tail.length;
    const word = words[fromHead ? first : last] ?? '';
    left -= tokensOf(`${word} `);
    if (left < 0) break;
    if (fromHead) head.push(word);
    else tail.unshift(word);
    if (fromHead) first += 1;
    else last -= 1;
  }
  return [...head, '…', ...tail].join(' ');
}

function tokensOf(text: string): number {
  let tokens = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    tokens += code < 0x80 ? 0.5 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return Math.ceil(tokens);
}

/** Lines of the text without the title. */
function bodyOf({ title, text }: ResultSlide): readonly string[] {
  const lines = (text ?? '').split('\n').map(oneLine);
  return lines.filter((line) => line !== '' && line !== oneLine(title ?? ''));
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function endSentence(text: string): string {
  return text === '' || /[.!?…。:]$/.test(text) ? text : `${text}.`;
}

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).replace(/\s+\S*$/, '')} …`;
}
