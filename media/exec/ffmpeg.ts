/** What every call of ffmpeg and ffprobe has in common: hardening of the input, and the meaning of failures. */
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import type { ProgramExit } from './process.ts';

/**
 * Demuxers that may read a source. ffmpeg picks the demuxer by content, whatever the name: without this list a playlist
 * named `.mp4` reads other files and addresses (CVE-2026-107697: the HLS demuxer gets past `-protocol_whitelist`).
 */
const DEMUXERS = 'mov,matroska,webm,mpegts,mpeg,avi,flv,ogg,asf,mxf';

/** Arguments up to and with the input, for either program. `path` is made absolute in meaning by the `file:` prefix. */
export function inputArgs(
  path: string,
  options: { readonly maxPixels: number; readonly seek?: readonly string[] },
): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error'],
    ...['-max_alloc', '536870912'],
    ...['-protocol_whitelist', 'file,pipe', '-format_whitelist', DEMUXERS],
    ...['-max_streams', '64', '-probesize', '33554432', '-analyzeduration', '30000000'],
    ...['-max_pixels', String(Math.floor(options.maxPixels))],
    ...(options.seek ?? []),
    ...['-i', `file:${path}`],
  ];
}

const FAILURES = [
  [/moov atom not found/, 'media_truncated', 'The file ends before its index: it is incomplete.'],
  [/whitelist/i, 'unsupported_media', 'The content is in no video format that is accepted.'],
  [
    /Picture size \S+ (is invalid|exceeds)|max_pixels/,
    'media_too_large',
    'The video frames have too many pixels.',
  ],
  [/\bmax_streams\b/, 'media_too_large', 'The file has too many streams.'],
  [/decryption key|encrypted/i, 'encrypted_media', 'The video is encrypted.'],
  [/Cannot allocate memory/, 'media_too_large', 'Decoding the video needs too much memory.'],
  [
    /Decoder \([^)]*\) not found|Unsupported codec|no decoder/i,
    'unsupported_media',
    'The video codec is not supported.',
  ],
] as const;

/**
 * ffmpeg answers 255 where a signal made it leave, and the only one it gets from us is the limit of processor time: that a
 * video needs more of it does not change with another try. (Later versions answer so for a forbidden operation, too.)
 */
function endedBySignal({ code, signal, stderr }: ProgramExit): readonly [ErrorCode, string] | undefined {
  if (signal === 'SIGXCPU' || (code === 255 && !/not permitted/i.test(stderr))) {
    return ['media_too_large', 'Decoding the video takes more computing time than allowed.'];
  }
  if (signal === 'SIGKILL' || signal === 'SIGTERM') {
    return ['unavailable', 'The decoder was ended from outside, perhaps for want of memory.'];
  }
  return signal === null ? undefined : ['unsupported_media', 'The decoder crashes on the video.'];
}

/**
 * The error for a program that failed on a source; `otherwise` where its output names no reason we know. Aborts are the
 * caller's own: they come back as the reason of the signal.
 */
export function toMediaError(
  ending: ProgramExit,
  signal: AbortSignal | undefined,
  otherwise: FrameloomError,
): unknown {
  if (ending.stopped === 'abort') return signal?.reason;
  if (ending.stopped === 'time_limit')
    return new FrameloomError('timeout', 'Reading the video took too long.');
  const killed = endedBySignal(ending);
  if (killed) return new FrameloomError(killed[0], killed[1], { cause: new Error(ending.stderr.trim()) });
  return errorFromOutput(ending.stderr, otherwise);
}

/** The error for what a program said on its error output; `otherwise` where it names no reason we know. */
export function errorFromOutput(stderr: string, otherwise: FrameloomError): FrameloomError {
  const cause = new Error(stderr.trim());
  const known = FAILURES.find(([pattern]) => pattern.test(stderr));
  return new FrameloomError(known?.[1] ?? otherwise.code, known?.[2] ?? otherwise.message, { cause });
}
