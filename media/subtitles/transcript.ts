/** Parses subtitles and transcripts: SubRip, WebVTT, ASS, TTML, JSON, and lines that begin with a time. */
import { z } from 'zod';
import { FrameloomError } from '../../core/errors.ts';
import type { Cue } from '../../schema/source.ts';
import { decodeText, XmlError } from '../text/index.ts';
import { tidyCues } from './cues.ts';
import { parseTtml } from './ttml.ts';

/** Largest file of subtitles: a day of speech takes a tenth of it. */
export const MAX_TRANSCRIPT_BYTES = 16 * 2 ** 20;
/** Duration of the last line of a transcript: no later line ends it. */
const LAST_LINE_SECONDS = 10;

/**
 * Parses a file of subtitles or a transcript. The format is detected by content. Times of the cues are in
 * seconds, text is plain, cues are in order of their start.
 *
 * @throws FrameloomError `transcript_unreadable` where there is no text with a time, `empty_source`,
 *   `media_too_large` above `MAX_TRANSCRIPT_BYTES`, `unsupported_media` for TTML with a document type
 */
export function parseTranscript(bytes: Uint8Array): readonly Cue[] {
  if (bytes.length === 0) throw new FrameloomError('empty_source', 'The subtitle file is empty.');
  if (bytes.length > MAX_TRANSCRIPT_BYTES) {
    throw new FrameloomError(
      'media_too_large',
      `The subtitle file has more than ${MAX_TRANSCRIPT_BYTES} bytes.`,
    );
  }
  const text = decodeText(bytes)
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n');
  const cues = tidyCues(parserFor(text)(text));
  if (cues.length === 0) {
    throw new FrameloomError(
      'transcript_unreadable',
      'The subtitles contain no text with a time. Use SubRip, WebVTT, TTML or lines such as [01:02] text.',
    );
  }
  return cues;
}

function parserFor(text: string): (text: string) => readonly Cue[] {
  const head = text.slice(0, 4096).trimStart();
  if (head.startsWith('[{') || head.startsWith('{') || /^\[\s*\{/.test(head)) return parseJson;
  if (head.startsWith('<')) return parseXml;
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
      // The number of this cue, where no empty line precedes it.
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

/**
 * ASS and SSA: comma-separated fields that a `Format` line names; the text is the last one and may contain
 * commas.
 */
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
    const dialogue = parts.slice(fields.indexOf('Text')).join(',');
    const [start, end] = [field('Start'), field('End')].map(clockOf);
    if (!fields.includes('Text') || start === undefined || end === undefined) continue;
    if (/\{[^}]*\\p[1-9]/.test(dialogue)) continue; // a drawing
    cues.push({
      start,
      end,
      text: dialogue
        .replace(/\{[^}]*\}/g, '')
        .replace(/\\[Nn]/g, '\n')
        .replaceAll('\\h', ' '),
    });
  }
  return cues;
}

/**
 * Lines such as `[01:02] text` or `1:02:03 - text`; each lasts until the next, and lines without a time
 * continue it.
 */
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
    end: sorted[index + 1]?.start ?? start + LAST_LINE_SECONDS,
    text: lines.join('\n'),
  }));
}

const Timed = z.array(z.object({ start: z.number(), end: z.number(), text: z.string() }));
const Json = z.union([Timed, z.object({ segments: Timed }).transform(({ segments }) => segments)]);

/** An array of start, end and text, or the response of a transcription API (`verbose_json`). */
function parseJson(text: string): readonly Cue[] {
  try {
    return Json.parse(JSON.parse(text));
  } catch (cause) {
    throw new FrameloomError(
      'transcript_unreadable',
      'The JSON is not a list of { start, end, text }, nor an object with such a list as segments.',
      { cause },
    );
  }
}

function parseXml(text: string): readonly Cue[] {
  try {
    return parseTtml(text);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    throw new FrameloomError('transcript_unreadable', 'The subtitles are not valid TTML.', {
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
