/** Decodes the text of files, whose encoding is often not stated. */
import { createRequire } from 'node:module';
import { FrameloomError } from '../../core/errors.ts';
import { type TextEncoding, TextEncodings } from '../../schema/text-encodings.ts';

/** Names that the detector gives to encodings of the Encoding Standard. */
const NAMES: Readonly<Record<string, TextEncoding>> = {
  cp874: 'windows-874',
  cp932: 'shift_jis',
  cp949: 'euc-kr',
  cp1258: 'windows-1258',
};
/** Encodings that are detected: those of subtitle files in use. The others have to be named. */
const DETECTED: readonly TextEncoding[] = [
  ...([
    'windows-1250',
    'windows-1251',
    'windows-1252',
    'windows-1253',
    'windows-1254',
    'windows-1255',
  ] as const),
  ...(['windows-1256', 'windows-1257', 'windows-1258', 'windows-874', 'iso-8859-2', 'iso-8859-5'] as const),
  ...(['iso-8859-7', 'koi8-r', 'ibm866', 'shift_jis', 'euc-jp', 'gb18030', 'big5', 'euc-kr'] as const),
];
/** Bytes that the detector reads: enough for every encoding. */
const SAMPLE_BYTES = 64 * 1024;
/** Escape sequences of ISO-2022-JP that begin Japanese text. */
const SHIFTS = ['\x1b$B', '\x1b$@'];
/** Encodings this much less likely than the best one are ruled out. */
const CLEAR_LEAD = 1.4;
/** UTF-8 may be damaged: one broken character in this many. */
const BROKEN_SHARE = 0.02;

/** Latin letters beside those of another script: no word of a real language. */
const OTHER_SCRIPT = ['Greek', 'Cyrillic', 'Hebrew', 'Arabic', 'Thai']
  .map((name) => `\\p{Script=${name}}`)
  .join('');
const MIXED_WORD = new RegExp(`\\p{sc=Latin}[${OTHER_SCRIPT}]|[${OTHER_SCRIPT}]\\p{sc=Latin}`, 'u');

export interface DecodedText {
  readonly text: string;
  /** The encoding, where it is not a form of Unicode. */
  readonly encoding?: TextEncoding;
}

/**
 * Decodes a file: by its byte order mark, else by `named`, else as UTF-8 or UTF-16 where that fits, else by
 * the encoding that its XML declaration states or that its bytes show.
 *
 * @throws FrameloomError `transcript_unreadable` where several encodings fit equally well
 */
export function decodeText(bytes: Uint8Array, named?: TextEncoding): DecodedText {
  const unicode = unicodeOf(bytes);
  if (unicode !== undefined) return { text: new TextDecoder(unicode).decode(bytes) };
  if (named !== undefined) return decoded(bytes, named);
  const text = new TextDecoder('utf-8').decode(bytes);
  if (isMostlyWhole(text)) {
    // Japanese mail and old tools switch character sets with escape sequences, which are ASCII.
    return SHIFTS.some((shift) => text.includes(shift)) ? decoded(bytes, 'iso-2022-jp') : { text };
  }
  return decoded(bytes, declaredIn(text) ?? detect(bytes));
}

function decoded(bytes: Uint8Array, encoding: TextEncoding): DecodedText {
  const text = new TextDecoder(encoding).decode(bytes);
  return encoding.startsWith('utf-') ? { text } : { text, encoding };
}

/** The form of Unicode by its byte order mark, or UTF-16 by its zeros: every second byte of Latin text. */
function unicodeOf(bytes: Uint8Array): string | undefined {
  const [first, second, third] = bytes;
  if (first === 0xef && second === 0xbb && third === 0xbf) return 'utf-8';
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  const head = bytes.subarray(0, 512);
  const zeros = [0, 0];
  for (const [index, byte] of head.entries()) {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  }
  const [even = 0, odd = 0] = zeros;
  if (odd > head.length / 8 && even === 0) return 'utf-16le';
  return even > head.length / 8 && odd === 0 ? 'utf-16be' : undefined;
}

function isMostlyWhole(text: string): boolean {
  const broken = text.match(/\ufffd/g)?.length ?? 0;
  return broken === 0 || broken <= (text.match(/[\u0080-\uffff]/g)?.length ?? 0) * BROKEN_SHARE;
}

function declaredIn(text: string): TextEncoding | undefined {
  const label = /^\s*<\?xml[^>]{0,200}\bencoding\s*=\s*["']([\w-]{1,40})["']/.exec(text)?.[1];
  if (label === undefined) return undefined;
  const known = TextEncodings.safeParse(label.toLowerCase());
  return known.success && !known.data.startsWith('utf-') ? known.data : undefined;
}

function detect(bytes: Uint8Array): TextEncoding {
  if (bytes.includes(0)) throw new FrameloomError('transcript_unreadable', 'The file is not text.');
  const sample = linesBeyondAscii(bytes);
  const found = detectors()
    .detectAll(sample, { detectEncodings: [...DETECTED], minimumThreshold: 0 })
    .flatMap(({ encoding, confidence }) => {
      const name = encoding?.toLowerCase() ?? '';
      const known = NAMES[name] ?? DETECTED.find((supported) => supported === name);
      return known ? [{ encoding: known, confidence, text: new TextDecoder(known).decode(sample) }] : [];
    });
  const unmixed = found.filter(({ text }) => !MIXED_WORD.test(text));
  const plausible = unmixed.length > 0 ? unmixed : found;
  const best = plausible[0];
  const close = plausible.filter(({ confidence }) => confidence * CLEAR_LEAD >= (best?.confidence ?? 0));
  const [first] = new Set(close.map(({ text }) => text)).size === 1 ? close : close.toSorted(bySymbols);
  const rivals = close.filter((other) => first && other.text !== first.text && bySymbols(other, first) === 0);
  // A few accents in Latin text fit several encodings; by far the most files have this one.
  const western = [first, ...rivals].find((rival) => rival?.encoding === 'windows-1252');
  if (western) return western.encoding;
  // Subtitles in an ISO encoding are rare beside those in the encoding of Windows for the same languages.
  const isClear = rivals.every(({ encoding }) => encoding.startsWith('iso-'));
  if (first && first.confidence > 0 && isClear && !(first.encoding.startsWith('iso-') && rivals.length > 0))
    return first.encoding;
  const names = [first, ...rivals].flatMap((rival) => rival?.encoding ?? []).slice(0, 3);
  throw new FrameloomError(
    'transcript_unreadable',
    `The encoding of the subtitles is not clear${names.length > 0 ? ` (it may be ${names.join(' or ')})` : ''}. ` +
      'Name it in source.subtitles.encoding (--subtitles-encoding), or convert the file to UTF-8.',
  );
}

/** Wrong encodings show symbols, control characters and replacements where letters belong. */
function bySymbols(a: { readonly text: string }, b: { readonly text: string }): number {
  const symbols = ({ text }: { readonly text: string }): number =>
    text.match(/[^\p{ASCII}\p{L}\p{M}\p{P}\s]/gu)?.length ?? 0;
  return symbols(a) - symbols(b);
}

/** The lines with other bytes than ASCII: times and numbers say nothing about the encoding. */
function linesBeyondAscii(bytes: Uint8Array): Uint8Array {
  const lines: Uint8Array[] = [];
  let total = 0;
  for (let start = 0; start < bytes.length && total < SAMPLE_BYTES; ) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed + 1;
    const line = bytes.subarray(start, Math.min(end, start + SAMPLE_BYTES));
    if (line.some((byte) => byte >= 0x80)) {
      lines.push(line);
      total += line.length;
    }
    start = end;
  }
  return Buffer.concat(lines);
}

/** Loaded on demand: the tables take a tenth of a second, and nearly all files are UTF-8. */
function detectors(): typeof import('jschardet') {
  return createRequire(import.meta.url)('jschardet');
}
