/** Parses lines that begin with their time, LRC among them, and paragraphs under a speaker and a time. */
import { clockOf } from './clock.ts';
import { type ParsedCues, type WrittenCue, withEnds } from './parsed.ts';

const STAMP = String.raw`(?:\d{1,4}:)?\d{1,2}:\d{2}(?:[.,:]\d{1,9})?`;
/** `[01:02] text`, `1:02:03 - text`, `01:02 - 01:05 text`; LRC has several times before a line. */
const STAMPED = new RegExp(
  String.raw`^\s*((?:[[(]${STAMP}[\])]\s*)+|${STAMP})(?:\s*[-–—]\s*(${STAMP}))?(?:\s*[-–—:]\s+|\s+|$)(.*)$`,
);
const BRACKETED = /^\s*((?:[[(]\s*\d{1,4}(?::\d{1,2}){1,2}(?:[.,:]\d{1,9})?\s*[\])]\s*)+)(.*)$/;
/** `00:01:02:text`, the format of TMPlayer. */
const TMPLAYER = /^\s*(\d{1,2}:\d{2}:\d{2})[:=](?=\D)(.*)$/;
/** `Ann  0:12`, `Speaker 1 (00:12):`, as Otter, Rev and Teams write above each paragraph. */
const SPEAKER = new RegExp(String.raw`^\s*(\S.{0,59}?)[ \t]+[[(]?(${STAMP})[\])]?[ \t]*:?[ \t]*$`);
/** Header lines of LRC. */
const LRC_HEADER = /^\s*\[(?:ar|ti|al|au|by|re|ve|la|lang|length|offset|tool|#)\s*:.*\]\s*$/i;

/**
 * Returns one cue for each time. A line without a time continues the one before; lines before the first time
 * have none.
 */
export function parseLines(text: string): ParsedCues {
  const lines = text.split('\n');
  const stamped = lines.some((line) => stampsOf(line) !== undefined);
  const read = stamped ? stampsOf : speakerOf;
  // A positive offset of LRC moves the text forward in time, that is to earlier times.
  const shift = -Number(/^\[offset:\s*([+-]?\d{1,7})\s*\]/im.exec(text)?.[1] ?? 0) / 1000;
  const cues: (WrittenCue & { readonly lines: string[] })[] = [];
  let latest: readonly string[][] = [];
  let withoutTime = 0;
  let isInBlock = false;
  for (const line of lines) {
    const found = read(line);
    if (found) {
      const added = found.starts.map((start) => ({
        start: start + shift,
        end: found.end,
        text: '',
        lines: [found.text],
      }));
      cues.push(...added);
      latest = added.map((cue) => cue.lines);
    } else if (latest.length > 0) {
      for (const continued of latest) continued.push(line);
    } else if (line.trim() !== '' && !LRC_HEADER.test(line)) {
      withoutTime += isInBlock ? 0 : 1;
    }
    isInBlock = line.trim() !== '';
  }
  // A time without text ends the line before it.
  const ended = withEnds(cues).map(({ start, end, lines: said }) => ({
    start,
    end,
    text: said.join('\n').trim(),
  }));
  return { cues: ended.filter((cue) => cue.text !== ''), withoutTime };
}

interface StampedLine {
  readonly starts: readonly number[];
  readonly end?: number | undefined;
  readonly text: string;
}

function stampsOf(line: string): StampedLine | undefined {
  const match = STAMPED.exec(line);
  if (match) {
    const [, stamps = '', end = '', text = ''] = match;
    return { starts: timesIn(stamps), end: clockOf(end), text };
  }
  const [, stamps, text = ''] = BRACKETED.exec(line) ?? TMPLAYER.exec(line) ?? [];
  return stamps === undefined ? undefined : { starts: timesIn(stamps), text: text.replaceAll('|', '\n') };
}

function timesIn(stamps: string): readonly number[] {
  return stamps.split(/[^\d:.,]+/).flatMap((stamp) => clockOf(stamp) ?? []);
}

function speakerOf(line: string): StampedLine | undefined {
  const [, name = '', stamp = ''] = SPEAKER.exec(line) ?? [];
  const start = clockOf(stamp);
  return start === undefined
    ? undefined
    : { starts: [start], text: `${name.replace(/[:,–—-]+$/, '').trim()}:` };
}
