/** Reads subtitles and transcripts, by their content: SubRip, WebVTT, ASS, TTML, JSON, and lines that begin with their time. */
import { z } from 'zod';
import { FrameloomError } from '../../core/errors.ts';
import type { Cue } from '../../schema/source.ts';
import { decodeText, XmlError } from '../text/index.ts';
import { tidyCues } from './cues.ts';
import { parseTtml } from './ttml.ts';

/** Largest file of words, in bytes: a day of speech is a tenth of it. */
export const MAX_TRANSCRIPT_BYTES = 16 * 2 ** 20;
/** How long the last line of a transcript is taken to last, in seconds: nothing after it says. */
const LAST_LINE = 10;

/** The words with their times in seconds. Throws `words_unreadable`, `empty_source`, `media_too_large`. */
export function parseTranscript(bytes: Uint8Array): readonly Cue[] {
  if (bytes.length === 0) throw new FrameloomError('empty_source', 'The file of subtitles has no bytes.');
  if (bytes.length > MAX_TRANSCRIPT_BYTES) {
    throw new FrameloomError('media_too_large', 'The file of subtitles is too large.');
  }
  const text = decodeText(bytes)
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n');
  const cues = tidyCues(parserFor(text)(text));
  if (cues.length === 0) {
    throw new FrameloomError('words_unreadable', 'No text with a time was found in the subtitles.');
  }
  return cues;
}

function parserFor(text: string): (text: string) => readonly Cue[] {
  const head = text.slice(0, 4096).trimStart();
  if (head.startsWith('[{') || head.startsWith('{') || /^\[\s*\{/.test(head)) return parseJson;
  if (head.startsWith('<')) return parseXmlWords;
  if (/^\[Script Info\]/i.test(head) || /^\[Events\]/im.test(text)) return parseAss;
  if (ARROW.test(text)) return parseArrows;
  return parseLines;
}

const CLOCK = String.raw`(?:(\d{1,4}):)?(\d{1,2}):(\d{2})(?:[.,](\d{1,3}))?`;
const ARROW = new RegExp(String.raw`^[ \t]*${CLOCK}[ \t]*-->[ \t]*${CLOCK}`, 'm');

/** SubRip and WebVTT: a line with two times, then text up to an empty line. */
function parseArrows(text: string): readonly Cue[] {
  const cues: { start: number; end: number; lines: string[] }[] = [];
  let open = false;
  for (const line of text.split('\n')) {
    const match = ARROW.exec(line);
    if (match) {
      const previous = cues.at(-1);
      // The number of this cue, where no empty line stands before it.
      if (open && /^\d+$/.test(previous?.lines.at(-1)?.trim() ?? '')) previous?.lines.pop();
      cues.push({ start: clock(match.slice(1, 5)), end: clock(match.slice(5, 9)), lines: [] });
      open = true;
    } else if (line.trim() === '') {
      open = false;
    } else if (open) {
      cues.at(-1)?.lines.push(line);
    }
  }
  return cues.map(({ start, end, lines }) => ({ start, end, text: lines.join('\n') }));
}

/** ASS and SSA: comma-separated fields that a `Format` line names; the text is the last one and may hold commas. */
function parseAss(text: string): readonly Cue[] {
  const cues: Cue[] = [];
  let fields: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [, kind, rest] = /^(Format|Dialogue):\s*(.*)$/.exec(line) ?? [];
    if (rest === undefined) continue;
    if (kind === 'Format') {
      fields = rest.split(',').map((name) => name.trim());
      continue;
    }
    const parts = rest.split(',');
    const field = (name: string): string => parts[fields.indexOf(name)] ?? '';
    const said = parts.slice(fields.indexOf('Text')).join(',');
    const [start, end] = [field('Start'), field('End')].map(clockOf);
    if (!fields.includes('Text') || start === undefined || end === undefined) continue;
    if (/\{[^}]*\\p[1-9]/.test(said)) continue; // a drawing
    cues.push({
      start,
      end,
      text: said
        .replace(/\{[^}]*\}/g, '')
        .replace(/\\[Nn]/g, '\n')
        .replaceAll('\\h', ' '),
    });
  }
  return cues;
}

/** A transcript of lines such as `[01:02] text` or `1:02:03 - text`; each lasts until the next, lines without a time go on. */
function parseLines(text: string): readonly Cue[] {
  const cues: { start: number; lines: string[] }[] = [];
  const stamped = new RegExp(String.raw`^\s*[[(]?${CLOCK}[\])]?(?:\s*[-–—:]\s+|\s+|$)(.*)$`);
  for (const line of text.split('\n')) {
    const match = stamped.exec(line);
    if (match) cues.push({ start: clock(match.slice(1, 5)), lines: [match[5] ?? ''] });
    else cues.at(-1)?.lines.push(line);
  }
  const sorted = cues.toSorted((a, b) => a.start - b.start);
  return sorted.map(({ start, lines }, index) => ({
    start,
    end: sorted[index + 1]?.start ?? start + LAST_LINE,
    text: lines.join('\n'),
  }));
}

const Timed = z.array(z.object({ start: z.number(), end: z.number(), text: z.string() }));
const Json = z.union([Timed, z.object({ segments: Timed }).transform(({ segments }) => segments)]);

/** An array of start, end and text, or what transcription APIs answer (`verbose_json`). */
function parseJson(text: string): readonly Cue[] {
  try {
    return Json.parse(JSON.parse(text));
  } catch (cause) {
    throw new FrameloomError('words_unreadable', 'The JSON is no list of start, end and text.', { cause });
  }
}

function parseXmlWords(text: string): readonly Cue[] {
  try {
    return parseTtml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new FrameloomError('words_unreadable', 'The subtitles are no TTML that can be read.', {
      cause: error,
    });
  }
}

function clockOf(text: string): number | undefined {
  const match = new RegExp(String.raw`^\s*${CLOCK}\s*$`).exec(text);
  return match ? clock(match.slice(1, 5)) : undefined;
}

/** Seconds of hours, minutes, seconds and a fraction of one to three digits. */
function clock([hours = '0', minutes = '0', seconds = '0', fraction = '0']: readonly (
  | string
  | undefined
)[]): number {
  return (
    Math.round((Number(hours) * 3600 + Number(minutes) * 60 + Number(`${seconds}.${fraction}`)) * 1000) / 1000
  );
}
