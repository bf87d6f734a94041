/** Parses subtitles and transcripts. The format is detected by content. */
import { FrameloomError } from '../../core/errors.ts';
import type { TextEncoding } from '../../schema/text-encodings.ts';
import { decodeText } from '../text/index.ts';
import { hasTimeRanges, parseArrows } from './arrows.ts';
import { parseAss } from './ass.ts';
import { type PlacedCues, placeCues } from './cues.ts';
import { parseJson } from './json.ts';
import { knownFormatOf } from './known-formats.ts';
import { parseLines } from './lines.ts';
import { isMicroDvd, isMpl2, isTable, parseMicroDvd, parseMpl2, parseTable } from './numbered.ts';
import type { ParsedCues } from './parsed.ts';
import { parseSami, parseXmlCaptions } from './xml-captions.ts';

/** Largest file of subtitles: a day of speech takes a tenth of it. */
export const MAX_TRANSCRIPT_BYTES = 16 * 2 ** 20;
/** Characters at the start in which the format is recognized. */
const HEAD_CHARACTERS = 8192;

export interface TranscriptOptions {
  /** Name of the encoding. Without it, it is detected. */
  readonly encoding?: TextEncoding | undefined;
  /** Added to all times, in seconds. Default 0. */
  readonly shift?: number;
}

export interface ParsedTranscript extends PlacedCues {
  /** Name of the encoding, where it is not a form of Unicode. */
  readonly encoding?: TextEncoding;
}

/**
 * Parses a file of subtitles or a transcript. Times of the cues are in seconds, text is plain, cues are in
 * order of their start. What could not be placed is counted.
 *
 * @throws FrameloomError `transcript_unreadable` where there is no text with a time or the encoding cannot be
 *   told, `empty_source`, `media_too_large` above `MAX_TRANSCRIPT_BYTES` or 100,000 cues,
 *   `unsupported_media` for TTML with a document type
 */
export function parseTranscript(bytes: Uint8Array, options: TranscriptOptions = {}): ParsedTranscript {
  if (bytes.length === 0) throw new FrameloomError('empty_source', 'The subtitle file is empty.');
  const found = readCues(bytes, options);
  if (found.cues.length === 0) throw unreadable(found);
  return found;
}

/** As `parseTranscript`, but a text without cues is no error. */
export function readCues(bytes: Uint8Array, options: TranscriptOptions): ParsedTranscript {
  if (bytes.length > MAX_TRANSCRIPT_BYTES) {
    throw new FrameloomError(
      'media_too_large',
      `The subtitle file has more than ${MAX_TRANSCRIPT_BYTES} bytes.`,
    );
  }
  rejectKnown(bytes);
  const { text, encoding } = decodeText(bytes, options.encoding);
  const plain = text.replace(/^\ufeff/, '').replace(/\r*\n|\r/g, '\n');
  return {
    ...withinStack(() => placeCues(parse(plain), options)),
    ...(encoding === undefined ? {} : { encoding }),
  };
}

/** Regular expressions exceed the stack on lines of millions of tags, which nobody writes. */
function withinStack<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FrameloomError(
      'media_too_large',
      'A line of the transcript has too many times or tags to read.',
      {
        cause,
      },
    );
  }
}

function parse(text: string): ParsedCues {
  const head = text.slice(0, HEAD_CHARACTERS).trimStart();
  if (isMicroDvd(head)) return parseMicroDvd(text);
  if (/^(?:\{\s*["}]|\[\s*[{\]])/.test(head)) return parseJson(text);
  if (/^<SAMI/i.test(head)) return parseSami(text);
  if (head.startsWith('<') && !/^<\d/.test(head)) return parseXmlCaptions(text);
  if (/^\[Script Info\]/i.test(head) || /^\[Events\]/im.test(text)) return parseAss(text);
  if (isMpl2(head)) return parseMpl2(text);
  if (isTable(head)) return parseTable(text);
  return hasTimeRanges(text) ? parseArrows(text) : parseLines(text);
}

const ACCEPTED =
  'Use SubRip, WebVTT, SBV, SubViewer, ASS, TTML, SAMI, LRC, JSON or tables of Whisper, captions of YouTube, or lines ' +
  'such as [01:02] text.';

function rejectKnown(bytes: Uint8Array): void {
  const known = knownFormatOf(Buffer.from(bytes.subarray(0, HEAD_CHARACTERS)).toString('latin1'));
  if (known === undefined) return;
  throw new FrameloomError(
    'transcript_unreadable',
    `The subtitles are ${known}, which is not supported. ${ACCEPTED}`,
  );
}

function unreadable({ skipped }: PlacedCues): FrameloomError {
  const { no_time = 0, no_text = 0, before_start = 0 } = skipped;
  const found = [
    ...(no_time > 0 ? [`texts whose time cannot be read (${no_time})`] : []),
    ...(no_text > 0 ? [`times without a text (${no_text})`] : []),
    ...(before_start > 0 ? [`texts that end before the video starts (${before_start})`] : []),
  ];
  const only = found.length === 0 ? '' : `, only ${found.join(' and ')}`;
  return new FrameloomError(
    'transcript_unreadable',
    `The subtitles contain no text with a time${only}. ${ACCEPTED}`,
  );
}
