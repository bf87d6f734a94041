/** Parses SubRip, WebVTT, SBV and SubViewer: a line with two times, then text until the next such line. */
import { CLOCK, clockOf, withAsciiPunctuation } from './clock.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';

const ARROW = String.raw`(?:-{1,3}[ \t]?>|[—–]>|=+>|→)`;
/** Two times with an arrow between, also in brackets, as Whisper prints them. */
const ARROW_LINE = new RegExp(
  String.raw`^[[(]?[ \t]*(${CLOCK})[ \t]*${ARROW}[ \t]*(${CLOCK})?[ \t]*[\])]?(?![\d:])`,
);
/** Two times with a comma between. */
const COMMA_LINE = new RegExp(String.raw`^(${CLOCK})[ \t]*,[ \t]*(${CLOCK})$`);
/** The number of a cue. */
const NUMBER = /^\d{1,9}\.?$/;
/** Longest spelling of two times. The limit keeps matching fast on lines that have none. */
const MAX_TIMES_CHARACTERS = 160;
/** What follows the times and is not text: `align:start`, `X1:10 Y1:20`. */
const SETTING = /^(?:[^\s:=]+[:=]\S*)?$/;
/** Blocks of WebVTT that are not cues. A file joined from segments repeats the header. */
const NOT_A_CUE = /^(?:NOTE|STYLE|REGION|WEBVTT)(?:\s|$)/;
/** Ticks a second of the clock of MPEG transport streams, which has 33 bits. */
const MPEG_TICKS = 90_000;
const MPEG_CLOCK_SECONDS = 2 ** 33 / MPEG_TICKS;

/** Whether the text has a line with two times. */
export function hasTimeRanges(text: string): boolean {
  return text.split('\n').some((line) => matchTimes(line) !== undefined);
}

interface Block {
  /** Undefined where the times cannot be read. */
  readonly times: { readonly start: number; readonly end: number | undefined } | undefined;
  readonly lines: string[];
}

/** Returns the cues in the order of the file. */
export function parseArrows(text: string): ParsedCues {
  const isWebVtt = /^\s*WEBVTT/.test(text);
  const preamble: string[] = [];
  const blocks: Block[] = [];
  const shift = createTimestampMap();
  let lastNumber = 0;
  let previous = '';
  let isSkipping = false;
  let isComment = false;
  for (const line of text.split('\n')) {
    const own = blocks.at(-1)?.lines ?? preamble;
    const found = isSkipping && isComment ? undefined : matchTimes(line);
    // A header or a style may lack the empty line after it; a comment may contain times.
    if (line.trim() === '' || found) isSkipping = false;
    else if (isWebVtt && previous === '' && NOT_A_CUE.test(line)) {
      isSkipping = true;
      isComment = line.startsWith('NOTE');
    }
    if (isSkipping) {
      if (isWebVtt) shift.read(line);
    } else if (found || isBrokenTimeLine(line, previous)) {
      lastNumber = takeNumber(own, lastNumber, isWebVtt) ?? lastNumber;
      const times = found && { start: shift.apply(found.start), end: found.end && shift.apply(found.end) };
      blocks.push({ times, lines: found?.text ? [found.text] : [] });
    } else {
      own.push(line.trim());
    }
    previous = line.trim();
  }
  const cues: WrittenCue[] = [];
  let withoutTime = countBlocks(preamble.filter((line) => !line.startsWith('[') && !NUMBER.test(line)));
  for (const { times, lines } of blocks) {
    const words = lines.join('\n').trim();
    if (times) cues.push({ ...times, text: words });
    else withoutTime += 1;
  }
  return { cues, withoutTime };
}

function matchTimes(
  written: string,
): { readonly start: number; readonly end: number | undefined; readonly text: string } | undefined {
  const line = written.trim();
  const head = withAsciiPunctuation(line.slice(0, MAX_TIMES_CHARACTERS));
  const match = ARROW_LINE.exec(head) ?? COMMA_LINE.exec(head);
  const start = clockOf(match?.[1] ?? '');
  if (!match || start === undefined) return undefined;
  const rest = line.slice(match[0].length).trim();
  const isSettings = rest.split(/\s+/).every((word) => SETTING.test(word));
  return { start, end: clockOf(match[2] ?? ''), text: isSettings ? '' : rest };
}

/** Whether the line stands where times belong and has an arrow, but no times that can be read. */
function isBrokenTimeLine(line: string, previous: string): boolean {
  return line.includes('-->') && /^\d*$/.test(previous);
}

/**
 * Removes the number or name of the next cue from the end of `lines`. Returns the number. Text may contain
 * empty lines, and cues may lack them, so a number counts by its place and its value.
 */
function takeNumber(lines: string[], lastNumber: number, isWebVtt: boolean): number | undefined {
  const at = lines.findLastIndex((line) => line !== '');
  const name = lines[at] ?? '';
  if (name === '') return undefined;
  const isAfterEmptyLine = at === 0 ? false : lines[at - 1] === '';
  const touches = at === lines.length - 1;
  const isNumber = NUMBER.test(name);
  const isNextNumber = isNumber && Number.parseInt(name, 10) === lastNumber + 1;
  const isOwnNumber =
    isNumber && touches && (isAfterEmptyLine || lines.some((line, i) => i < at && line !== ''));
  const isName = isWebVtt && touches && isAfterEmptyLine;
  if (!isNextNumber && !isOwnNumber && !isName) return undefined;
  lines.length = at;
  return isNumber ? Number.parseInt(name, 10) : undefined;
}

/**
 * Segments of HTTP live streaming name the time of their first cue on the clock of the stream. Only the
 * differences between segments count: the video has a start of its own.
 */
function createTimestampMap(): { read(line: string): void; apply(seconds: number): number } {
  let first: number | undefined;
  let shift = 0;
  return {
    read(line) {
      if (!line.startsWith('X-TIMESTAMP-MAP')) return;
      const ticks = /MPEGTS:(\d{1,12})/.exec(line)?.[1];
      const local = clockOf(/LOCAL:([\d:.]+)/.exec(line)?.[1] ?? '');
      if (ticks === undefined || local === undefined) return;
      const offset = Number(ticks) / MPEG_TICKS - local;
      first ??= offset;
      shift = offset - first;
      if (shift < -MPEG_CLOCK_SECONDS / 2) shift += MPEG_CLOCK_SECONDS;
    },
    apply: (seconds) => seconds + shift,
  };
}

/** The number of groups of lines that empty lines separate. */
function countBlocks(lines: readonly string[]): number {
  return lines.filter((line, index) => line !== '' && (lines[index - 1] ?? '') === '').length;
}
