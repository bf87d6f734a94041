/** Words that are there already: of slides, and spoken in videos. What of them a prompt quotes, and what a result shows. Pure. */
import type { ResultCue, ResultSlide } from '../schema/result.ts';
import type { Cue } from '../schema/source.ts';

/** Longest caption that is made from the words of a slide, in characters. */
const MAX_QUOTE_CHARACTERS = 400;
/** Longest transcript of one segment in a result, in characters. */
const MAX_TRANSCRIPT_CHARACTERS = 20_000;

/** Whether nothing can be said of the slide but its number. */
export function isTextless({ title, text, notes, alt }: ResultSlide): boolean {
  return !title && !text && !notes && !alt?.length;
}

/** A caption for a slide of which there is no picture: its title, its text, what its author and its speaker say. */
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
 * Lines for a prompt that tell the words of each slide of a segment, numbered like its pictures, within `tokens` together. Slides
 * without words have none.
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

/** The words that begin to be spoken in `[start, end)`, as one text. */
export function transcriptBetween(cues: readonly Cue[], start: number, end: number): string {
  return cues
    .filter((cue) => cue.start >= start && cue.start < end)
    .map(({ text }) => text)
    .join(' ');
}

/**
 * Returns a function for the cues that begin in `[start, end)`, as a result has them. The cues may have any order; their number is
 * their index in `cues`. A segment has at most `MAX_TRANSCRIPT` characters: the cue that exceeds that is cut, later ones are left out.
 */
export function createTranscriptReader(
  cues: readonly Cue[],
): (start: number, end: number) => readonly ResultCue[] {
  const isSorted = cues.every((cue, index) => index === 0 || (cues[index - 1]?.start ?? 0) <= cue.start);
  /** Number of the first cue that begins at `time` or later. */
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
 * As much of `text` as surely takes no more than `tokens`: two characters of plain English to a token, for other writings as many
 * tokens as bytes. From longer texts whole words are kept of the beginning and of the end.
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

/** Lines of the text without the title, which is said already. */
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
