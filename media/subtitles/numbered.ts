/** Parses MicroDVD, which counts frames, MPL2, which counts tenths of seconds, and tables of times and text. */
import { FrameloomError } from '../../core/errors.ts';
import { clockOf } from './clock.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';

const MICRODVD = /^\{(\d{1,9})\}\{(\d{0,9})\}(.*)$/;
const MPL2 = /^\[(\d{1,9})\]\[(\d{0,9})\](.*)$/;
const RATE = /^\d{1,3}(?:[.,]\d{1,6})?$/;

export function isMicroDvd(text: string): boolean {
  return MICRODVD.test(firstLine(text));
}

export function isMpl2(text: string): boolean {
  return MPL2.test(firstLine(text));
}

/**
 * The first text of the file is its rate, in frames per second.
 *
 * @throws FrameloomError `transcript_unreadable` where it has none: how long a frame lasts is not known
 */
export function parseMicroDvd(text: string): ParsedCues {
  const [, , , stated = ''] = MICRODVD.exec(firstLine(text)) ?? [];
  const rate = RATE.test(stated.trim()) ? Number(stated.trim().replace(',', '.')) : 0;
  if (rate <= 0) {
    throw new FrameloomError(
      'transcript_unreadable',
      'The subtitles are MicroDVD, which counts frames, and do not state their rate. Begin with a line such as {1}{1}25.',
    );
  }
  const { cues, withoutTime } = parseNumbered(text, MICRODVD, rate);
  return { cues: cues.filter((cue) => cue.text !== stated.trim()), withoutTime };
}

export function parseMpl2(text: string): ParsedCues {
  return parseNumbered(text, MPL2, 10);
}

function parseNumbered(text: string, pattern: RegExp, perSecond: number): ParsedCues {
  const cues: WrittenCue[] = [];
  let withoutTime = 0;
  for (const line of text.split('\n')) {
    const [, start, end = '', words = ''] = pattern.exec(line.trim()) ?? [];
    if (start === undefined) withoutTime += line.trim() === '' ? 0 : 1;
    else {
      cues.push({
        start: Number(start) / perSecond,
        end: end === '' ? undefined : Number(end) / perSecond,
        // `{y:i}` and a leading slash are styles, a bar is a line break.
        text: words
          .trim()
          .replace(/\{[a-z]:[^{}]*\}/gi, '')
          .replace(/(^|\|)\//g, '$1')
          .replaceAll('|', '\n')
          .trim(),
      });
    }
  }
  return { cues, withoutTime };
}

/** `start,end,text` in milliseconds (Whisper), or two numbers of seconds and a text (labels of Audacity). */
const TABLE_HEADER = /^"?start"?([\t,;])"?end"?[\t,;]"?text"?$/i;
const LABEL = /^(\d+[.,]\d+)\t(\d+[.,]\d+)\t(.*)$/;

export function isTable(text: string): boolean {
  return TABLE_HEADER.test(firstLine(text)) || LABEL.test(firstLine(text));
}

export function parseTable(text: string): ParsedCues {
  const separator = TABLE_HEADER.exec(firstLine(text))?.[1];
  const cues: WrittenCue[] = [];
  let withoutTime = 0;
  for (const line of text
    .trim()
    .split('\n')
    .slice(separator === undefined ? 0 : 1)) {
    const [from = '', until = '', ...rest] = line.split(separator ?? '\t');
    const [start, end] = [from, until].map((field) => tableTime(field.replaceAll('"', '').trim()));
    const words = rest.join(separator ?? '\t').trim();
    if (start !== undefined)
      cues.push({ start, end, text: words.replace(/^"|"$/g, '').replaceAll('""', '"') });
    else if (line.trim() !== '') withoutTime += 1;
  }
  return { cues, withoutTime };
}

/** Whole numbers are milliseconds. */
function tableTime(field: string): number | undefined {
  return /^\d{1,12}$/.test(field) ? Number(field) / 1000 : clockOf(field);
}

function firstLine(text: string): string {
  return /\S.*/.exec(text)?.[0].trim() ?? '';
}
