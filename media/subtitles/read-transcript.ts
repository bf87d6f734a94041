/** Parses files of subtitles that others made: large ones in a thread, within limits of time and memory. */
import { runInThread } from '../threads/index.ts';
import {
  MAX_TRANSCRIPT_BYTES,
  type ParsedTranscript,
  parseTranscript,
  readCues,
  type TranscriptOptions,
} from './transcript.ts';
import type { TranscriptWork } from './transcript-thread.ts';

/** Files up to this size take milliseconds whatever they contain, less than a thread takes to start. */
const MAX_DIRECT_BYTES = 16 * 2 ** 10;
/** Time for a file of the largest size, which takes about three seconds. */
const TIME_LIMIT_MS = 60_000;
const MEMORY_MIB = 1536;

export interface ReadTranscriptOptions extends TranscriptOptions {
  /** Wall-clock limit in milliseconds. Default one minute. */
  readonly timeLimitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * As `parseTranscript`, without blocking the event loop.
 *
 * @throws FrameloomError as `parseTranscript`, and `media_too_large` above the limits of time and memory; or
 *   the reason of the signal
 */
export async function readTranscript(
  bytes: Uint8Array,
  options: ReadTranscriptOptions = {},
): Promise<ParsedTranscript> {
  return read('parseTranscript', bytes, options);
}

/** As `readTranscript`, but a text without cues is no error. */
export async function readTrackCues(
  bytes: Uint8Array,
  options: ReadTranscriptOptions,
): Promise<ParsedTranscript> {
  return read('readCues', bytes, options);
}

async function read(
  parser: TranscriptWork['parser'],
  bytes: Uint8Array,
  { timeLimitMs = TIME_LIMIT_MS, signal, ...options }: ReadTranscriptOptions,
): Promise<ParsedTranscript> {
  signal?.throwIfAborted();
  if (bytes.length <= MAX_DIRECT_BYTES || bytes.length > MAX_TRANSCRIPT_BYTES)
    return parser === 'readCues' ? readCues(bytes, options) : parseTranscript(bytes, options);
  const work: TranscriptWork = { bytes, options, parser };
  const limits = { subject: 'The transcript', timeLimitMs, memoryMiB: MEMORY_MIB, signal };
  return (await runInThread('./transcript-thread', import.meta.url, work, limits)) as ParsedTranscript; // what the thread returns
}
