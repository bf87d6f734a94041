/**
 * Titles of a result. A title of the model is used only if the words of the source support it; else the source
 * is called what it calls itself.
 */
import type { ResultSlide } from '../schema/result.ts';
import { hasSupportedWords, splitSentences, stripConnective } from './evidence.ts';
import type { ResultSegments, SourceSpan } from './result-segments.ts';
import type { StitchInput } from './stitch-input.ts';

/** Longest title made of a caption. */
const MAX_LEAD_CHARACTERS = 80;

/** What a title must agree with. */
interface TitleEvidence {
  /** The title that the source gives itself. */
  readonly own: string | undefined;
  /** Text of the slides, and transcript. */
  readonly said: readonly string[];
  /** The captions, which are the model's. */
  readonly captions: readonly string[];
}

/**
 * The title of the job: the model's if it is supported, else the one in the document properties, of the first
 * slide that has one, of a chapter, or the first sentence of the captions. A deck without images has its own
 * title, because the model has seen none of it.
 */
export function jobTitle(
  input: StitchInput,
  parts: ResultSegments,
  chapterTitles: readonly string[],
): string {
  const { source, slides = [], transcript, slideGaps = [] } = input;
  const stated = source.type === 'deck' ? source.title : undefined;
  const own = stated ?? firstTitle(slides);
  const isUnseen = slides.length > 0 && slideGaps.filter((gap) => !gap.hasImage).length === slides.length;
  if (isUnseen && own !== undefined) return own;
  const said = [
    ...(stated === undefined ? [] : [stated]),
    ...slides.flatMap(wordsOf),
    ...(transcript?.cues ?? []).map(({ text }) => text),
  ];
  const captions = parts.captions.map(({ caption }) => caption);
  return (
    supportedTitle(input.title, { own, said, captions }, input.evidenceThreshold) ??
    own ??
    chapterTitles[0] ??
    leadOf(captions)
  );
}

/** The title of a chapter, by the same rule: its own title is that of its first slide. */
export function chapterTitle(
  { slides = [], evidenceThreshold }: StitchInput,
  parts: ResultSegments,
  { first, last, title }: { readonly first: number; readonly last: number; readonly title: string },
  span: SourceSpan,
): string {
  const numbers = new Set(span.slides);
  const shown = slides.filter(({ slide }) => numbers.has(slide));
  const own = firstTitle(shown);
  const cues = parts.describedOf(first, last).flatMap(({ transcript = [] }) => transcript);
  const said = [...shown.flatMap(wordsOf), ...cues.map(({ text }) => text)];
  const captions = parts.captionsOf(first, last).map(({ caption }) => caption);
  return supportedTitle(title, { own, said, captions }, evidenceThreshold) ?? own ?? leadOf(captions);
}

/** A source that has a title is believed more than the captions: only its own words then support another. */
function supportedTitle(
  title: string,
  { own, said, captions }: TitleEvidence,
  threshold: number,
): string | undefined {
  const texts = own === undefined ? [...said, ...captions] : said;
  return hasSupportedWords(title, texts, threshold) ? title : undefined;
}

function firstTitle(slides: readonly ResultSlide[]): string | undefined {
  return slides.map(({ title }) => title).find((title) => title !== undefined && title !== '');
}

function wordsOf({ title = '', text = '', notes = '', alt = [] }: ResultSlide): readonly string[] {
  return [title, text, notes, ...alt];
}

/** The first sentence of the captions without its full stop; empty if there are none. */
function leadOf(captions: readonly string[]): string {
  const sentence = stripConnective(splitSentences(captions.find((caption) => caption !== '') ?? '')[0] ?? '');
  if (sentence.length <= MAX_LEAD_CHARACTERS) return sentence.replace(/[.!?]$/, '');
  return `${sentence.slice(0, MAX_LEAD_CHARACTERS).replace(/\s+\S*$/, '')} …`;
}
