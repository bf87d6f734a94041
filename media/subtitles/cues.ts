/** Cues: the common form of subtitles, transcripts and recognized speech. */
import { FrameloomError } from '../../core/errors.ts';
import type { Cue } from '../../schema/source.ts';
import { plainText } from '../text/index.ts';

/** Most cues that are accepted, and most characters of each. */
const MAX_CUES = 100_000;
const MAX_CHARS = 1_000;

/** Removes the markup of all subtitle formats: tags, override blocks and character entities. */
export function withoutMarkup(text: string): string {
  return text
    .replace(/<v(?:\.[^\s>]*)?\s+([^<>]{1,80})>/g, '$1: ') // WebVTT names the speaker in a tag
    .replace(/<\/?[a-z][^<>]*>|<\d[\d:.]*>/gi, '')
    .replace(/\{\\[^{}]*\}/g, '')
    .replace(/&(amp|lt|gt|nbsp|lrm|rlm|quot|#39|apos);/g, (_, name: string) => ENTITIES[name] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  nbsp: ' ',
  quot: '"',
  '#39': "'",
  apos: "'",
};

/**
 * Returns the cues in order of their start, each as one line of plain text. Rolling captions repeat their
 * last line in the next cue: it is kept once. Throws `media_too_large`.
 */
export function tidyCues(cues: readonly Cue[]): readonly Cue[] {
  if (cues.length > MAX_CUES) {
    throw new FrameloomError(
      'media_too_large',
      `The transcript has ${cues.length} cues; the limit is ${MAX_CUES}.`,
    );
  }
  const tidy: Cue[] = [];
  let lastLine = '';
  const usable = cues.filter(({ start, end }) => Number.isFinite(start) && end >= start);
  for (const { start, end, text } of usable.toSorted((a, b) => a.start - b.start)) {
    const lines = plainText(withoutMarkup(text))
      .split('\n')
      .map((line) => line.replace(/\s+/g, ' ').trim())
      .filter((line) => line !== '');
    const fresh = lines[0] === lastLine ? lines.slice(1) : lines;
    lastLine = lines.at(-1) ?? lastLine;
    if (fresh.length > 0) tidy.push({ start, end, text: fresh.join(' ').slice(0, MAX_CHARS) });
  }
  return tidy;
}

/** Returns the cues with their times moved by `seconds`, rounded to milliseconds. */
export function shiftCues(cues: readonly Cue[], seconds: number): readonly Cue[] {
  const move = (time: number): number => Math.round((time + seconds) * 1000) / 1000;
  return cues.map(({ start, end, text }) => ({ start: move(start), end: move(end), text }));
}
