/** Parses JSON of the speech services that give a time to each word: the words become sentences. */
import { isObject, type Members, timeOf } from './json-values.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';

/** A word, or punctuation, which has no time. */
interface Word {
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly text: string;
  readonly isPunctuation: boolean;
}

/** A sentence ends at its punctuation, before a pause, and at a length that a reader takes in at once. */
const SENTENCE_END = /[.?!。？！]["'”’)]*$/;
const PAUSE_SECONDS = 1;
const MAX_CHARACTERS = 200;

/** Returns sentences of JSON of one of these services; undefined for other JSON. */
export function parseSpokenWords(value: unknown): ParsedCues | undefined {
  const voices = voicesIn(value).filter((words) => words.length > 0);
  if (voices.length === 0) return undefined;
  const parsed = voices.map(sentencesOf);
  return {
    cues: parsed.flatMap(({ cues }) => cues),
    withoutTime: parsed.reduce((sum, { withoutTime }) => sum + withoutTime, 0),
  };
}

/** The words of each speaker, channel or section. */
function voicesIn(value: unknown): readonly (readonly Word[])[] {
  if (!isObject(value)) return [];
  const { results, monologues } = value;
  // Rev: the spaces between words are elements.
  if (Array.isArray(monologues))
    return listOf(monologues).map(({ elements }) =>
      listOf(elements).map((one) => word(one, ['ts'], ['end_ts'])),
    );
  // Google Speech-to-Text: a list of results.
  if (Array.isArray(results)) return withoutRepetition(listOf(results).map(wordsOf));
  if (!isObject(results) || Array.isArray(results.utterances)) return [];
  // Amazon Transcribe and Deepgram.
  if (Array.isArray(results.items))
    return [listOf(results.items).map((one) => word(one, ['start_time'], ['end_time']))];
  return listOf(results.channels).map(wordsOf);
}

function wordsOf({ alternatives }: Members): readonly Word[] {
  const [best] = listOf(alternatives);
  const times = [
    ['start', 'startTime', 'startOffset'],
    ['end', 'endTime', 'endOffset'],
  ] as const;
  return listOf(best?.words).map((one) => word(one, ...times));
}

function word(item: Members, starts: readonly string[], ends: readonly string[]): Word {
  const [best] = listOf(item.alternatives);
  const text = [item.punctuated_word, item.word, item.value, best?.content].find(
    (one) => typeof one === 'string',
  );
  const written = (names: readonly string[]): unknown =>
    names.map((name) => item[name]).find((one) => one != null);
  const isPunctuation = item.type === 'punct' || item.type === 'punctuation';
  const end = timeOf(written(ends));
  // Google leaves out a start of 0.
  const start = timeOf(written(starts) ?? (end === undefined ? undefined : 0));
  return {
    start: isPunctuation ? undefined : start,
    end: isPunctuation ? undefined : end,
    text: typeof text === 'string' ? text : '',
    isPunctuation,
  };
}

/** Where Google tells speakers apart, the last result repeats the words of all others. */
function withoutRepetition(results: readonly (readonly Word[])[]): readonly (readonly Word[])[] {
  const spoken = results.filter((words) => words.length > 0);
  const [first, last] = [spoken[0], spoken.at(-1)];
  const repeats = first && last && first[0]?.start === last[0]?.start && first[0]?.text === last[0]?.text;
  return repeats ? [last] : spoken;
}

/** The service whose JSON this is, for its rejection. */
export function serviceOf(value: unknown): string | undefined {
  if (!isObject(value)) return undefined;
  if ('monologues' in value) return 'Rev';
  const { results } = value;
  if (listOf(results).some((result) => 'alternatives' in result)) return 'Google Speech-to-Text';
  if (!isObject(results)) return undefined;
  if ('channels' in results) return 'Deepgram';
  return 'transcripts' in results ? 'Amazon Transcribe' : undefined;
}

function sentencesOf(words: readonly Word[]): ParsedCues {
  const cues: (WrittenCue & { end: number; text: string })[] = [];
  let withoutTime = 0;
  for (const { start, end, text, isPunctuation } of words) {
    const last = cues.at(-1);
    if (last && (isPunctuation || start === undefined)) {
      last.text += isPunctuation ? text : ` ${text}`;
    } else if (start === undefined) {
      withoutTime += 1;
    } else if (!last || isOver(last, start)) {
      cues.push({ start, end: end ?? start, text });
    } else {
      last.text = `${last.text.trimEnd()} ${text}`;
      last.end = Math.max(last.end, end ?? start);
    }
  }
  return { cues, withoutTime };
}

function isOver({ end, text }: { readonly end: number; readonly text: string }, start: number): boolean {
  return SENTENCE_END.test(text.trimEnd()) || start > end + PAUSE_SECONDS || text.length > MAX_CHARACTERS;
}

function listOf(value: unknown): readonly Members[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
