/** Parses JSON of transcription services and of tools that download captions. */
import { FrameloomError } from '../../core/errors.ts';
import { isObject, type Members, timeOf } from './json-values.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';
import { parseSpokenWords, serviceOf } from './spoken-words.ts';

/**
 * Members that hold the list of cues: Whisper and most services; whisper.cpp; Transformers; AssemblyAI;
 * YouTube's json3; others.
 */
const LISTS = [
  ...['segments', 'transcription', 'chunks', 'utterances', 'events', 'cues'],
  ...['captions', 'subtitles', 'transcript', 'transcripts', 'body', 'data', 'results', 'result', 'words'],
];
/** Members of a cue, best first. Those whose name ends in `ms` are in milliseconds. */
const START = [
  'start',
  'start_time',
  'startTime',
  'begin',
  'from',
  'tStartMs',
  'start_ms',
  'startMs',
  'offset',
];
const END = ['end', 'end_time', 'endTime', 'stop', 'to', 'end_ms', 'endMs'];
const DURATION = ['duration', 'dur', 'dDurationMs', 'duration_ms', 'durationMs'];
const TEXT = ['text', 'body', 'content', 'transcript', 'sentence', 'word', 'utf8', 'value'];
/** Where half of the cues last longer than this and all times are whole, times are in milliseconds. */
const MOST_SECONDS = 100;

/**
 * Returns the cues of an array of timed texts, or of such an array in an object.
 *
 * @throws FrameloomError `transcript_unreadable` for other JSON
 */
export function parseJson(text: string): ParsedCues {
  const value = parsed(text);
  const spoken = parseSpokenWords(value);
  if (spoken) return spoken;
  const list = listIn(value, 3);
  if (list === undefined) throw withoutCues(serviceOf(value));
  const items = list.filter((item) => !isCaptionEvent(item));
  const cues: WrittenCue[] = items.flatMap((item) => cueOf(item) ?? []);
  const scale = isInMilliseconds(cues) && !items.some(namesUnit) ? 1 / 1000 : 1;
  return {
    cues: cues.map((cue) => ({ start: cue.start * scale, end: cue.end && cue.end * scale, text: cue.text })),
    withoutTime: items.length - cues.length,
  };
}

function withoutCues(service: string | undefined): FrameloomError {
  const found =
    service === undefined
      ? 'The JSON contains no list of cues.'
      : `The JSON is of ${service} and has no times of words. Request them from the service.`;
  return new FrameloomError(
    'transcript_unreadable',
    `${found} Send an array of { start, end, text }, or JSON of Whisper, Transformers, YouTube, or of Amazon Transcribe, ` +
      'Deepgram, Google Speech-to-Text, Rev or another transcription API with times.',
  );
}

/** One value, or one in each line. */
function parsed(text: string): unknown {
  try {
    const lines = text.trim().split('\n');
    const isLines = lines.length > 1 && lines.every((line) => /^\{.*\}$/.test(line.trim()));
    return JSON.parse(isLines ? `[${lines.join(',')}]` : text);
  } catch (cause) {
    throw new FrameloomError('transcript_unreadable', 'The JSON of the transcript is not valid.', { cause });
  }
}

/** The list of cues in `value` or its members, down to `depth` levels. */
function listIn(value: unknown, depth: number): readonly unknown[] | undefined {
  if (Array.isArray(value)) return value.some((item) => cueOf(item) !== undefined) ? value : undefined;
  if (!isObject(value) || depth === 0) return undefined;
  for (const name of LISTS) {
    const found = listIn(value[name], depth - 1);
    if (found) return found;
  }
  return undefined;
}

function cueOf(item: unknown): WrittenCue | undefined {
  if (!isObject(item)) return undefined;
  const [start, end] = rangeOf(item);
  if (start === undefined) return undefined;
  const duration = end === undefined ? timeIn(item, DURATION) : undefined;
  return { start, end: duration === undefined ? end : start + duration, text: textOf(item) };
}

function rangeOf(item: Members): readonly [number | undefined, number | undefined] {
  const { timestamp, offsets, timestamps } = item;
  // Transformers: [0.0, 3.2], where the last end is null if the audio was cut off.
  if (Array.isArray(timestamp)) return [timeOf(timestamp[0]), timeOf(timestamp[1])];
  // whisper.cpp: milliseconds, and the same as clock times.
  if (isObject(offsets)) return [timeOf(offsets.from, 1000), timeOf(offsets.to, 1000)];
  if (isObject(timestamps)) return [timeOf(timestamps.from), timeOf(timestamps.to)];
  return [timeIn(item, START) ?? timeOf(timestamp), timeIn(item, END)];
}

function timeIn(item: Members, names: readonly string[]): number | undefined {
  const name = names.find((known) => item[known] !== undefined && item[known] !== null);
  return name === undefined ? undefined : timeOf(item[name], /ms$/i.test(name) ? 1000 : 1);
}

function textOf(item: Members): string {
  const { segs } = item;
  if (Array.isArray(segs)) return segs.map((part) => (isObject(part) ? textOf(part) : '')).join('');
  const text = TEXT.map((name) => item[name]).find((value) => typeof value === 'string');
  return typeof text === 'string' ? text : '';
}

/** Events of json3 that set a window or end a line. */
function isCaptionEvent(item: unknown): boolean {
  return isObject(item) && 'tStartMs' in item && (!('segs' in item) || item.aAppend === 1);
}

function namesUnit(item: unknown): boolean {
  return isObject(item) && ['offsets', 'tStartMs', 'start_ms', 'startMs'].some((name) => name in item);
}

function isInMilliseconds(cues: readonly WrittenCue[]): boolean {
  if (!cues.every(({ start, end = 0 }) => Number.isInteger(start) && Number.isInteger(end))) return false;
  const lengths = cues
    .flatMap(({ start, end }) => (end === undefined ? [] : end - start))
    .sort((a, b) => a - b);
  return (lengths[lengths.length >> 1] ?? 0) > MOST_SECONDS;
}
