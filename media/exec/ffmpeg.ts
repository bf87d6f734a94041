/**
 * Shared by all calls of ffmpeg and ffprobe: restrictions on the input, and errors from exit codes and
 * output.
 */
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import type { ProgramExit } from './process.ts';

/**
 * Demuxers that may read a source. ffmpeg chooses the demuxer by content, not by name: without this list a
 * playlist named `.mp4` reads other files and addresses (CVE-2026-107697: the HLS demuxer bypasses
 * `-protocol_whitelist`).
 */
const DEMUXERS = 'mov,matroska,webm,mpegts,mpeg,avi,flv,ogg,asf,mxf';

/**
 * Arguments up to and including the input, for either program. With the prefix `file:` a path cannot name a
 * protocol.
 */
export function inputArgs(path: string, options: InputOptions): string[] {
  return [
    ...limitArgs(options.maxPixels),
    ...['-protocol_whitelist', 'file,pipe', '-format_whitelist', DEMUXERS],
    ...['-max_streams', '64', '-probesize', '33554432', '-analyzeduration', '30000000'],
    ...(options.seek ?? []),
    ...['-i', options.piped ? 'pipe:0' : `file:${path}`],
  ];
}

/** The same for packets that another ffmpeg writes as NUT, which keeps every time base, to standard input. */
export function pipeInputArgs({ maxPixels, seek = [] }: InputOptions): string[] {
  return [
    ...limitArgs(maxPixels),
    ...['-protocol_whitelist', 'pipe', '-probesize', '5000000', '-f', 'nut', ...seek, '-i', 'pipe:0'],
  ];
}

export interface InputOptions {
  readonly maxPixels: number;
  /** The bytes of the file come from the standard input. */
  readonly piped?: boolean;
  /** Further options of the input. */
  readonly seek?: readonly string[];
}

function limitArgs(maxPixels: number): string[] {
  return [
    ...['-hide_banner', '-loglevel', 'error'],
    ...['-max_alloc', '536870912', '-max_pixels', String(Math.floor(maxPixels))],
  ];
}

const FAILURES = [
  [
    /moov atom not found/,
    'media_truncated',
    'The file ends before its index: it is incomplete. Upload it again.',
  ],
  [/whitelist/i, 'unsupported_media', 'The content is not in an accepted video format. Convert it to MP4.'],
  [
    /Picture size \S+ (is invalid|exceeds)|max_pixels/,
    'media_too_large',
    'The video frames have too many pixels. Scale the video down.',
  ],
  [/\bmax_streams\b/, 'media_too_large', 'The file has too many streams.'],
  [/decryption key|encrypted/i, 'encrypted_media', 'The video is encrypted. Upload it without encryption.'],
  [
    /Cannot allocate memory/,
    'media_too_large',
    'Decoding the video needs too much memory. Scale it down or convert it to H.264.',
  ],
  [
    /Decoder \([^)]*\) not found|Unsupported codec|no decoder/i,
    'unsupported_media',
    'The video codec is not supported. Convert the video to H.264.',
  ],
] as const;

/**
 * ffmpeg exits with 255 after a signal, and the only signal that it gets from this process before SIGKILL is
 * the limit of processor time, which a retry would exceed again. Later versions also exit with 255 for a
 * forbidden operation.
 */
function endedBySignal({ code, signal, stderr }: ProgramExit): readonly [ErrorCode, string] | undefined {
  if (signal === 'SIGXCPU' || (code === 255 && !/not permitted/i.test(stderr))) {
    return [
      'media_too_large',
      'Decoding the video takes more processor time than allowed. Scale it down or split it.',
    ];
  }
  if (signal === 'SIGKILL' || signal === 'SIGTERM') {
    return ['unavailable', 'The decoder was killed, possibly because the machine is out of memory.'];
  }
  return signal === null
    ? undefined
    : ['unsupported_media', 'The decoder crashes on the video. Convert it to MP4.'];
}

/**
 * Returns the error for a program that failed on a source: `otherwise` where its output has no known reason.
 * After an abort it is the reason of the signal.
 */
export function toMediaError(
  ending: ProgramExit,
  signal: AbortSignal | undefined,
  otherwise: FrameloomError,
): unknown {
  if (ending.stopped === 'abort') return signal?.reason;
  if (ending.stopped === 'time_limit')
    return new FrameloomError('timeout', 'Reading the video took too long. Try again, or split the video.');
  const killed = endedBySignal(ending);
  if (killed) return new FrameloomError(killed[0], killed[1], { cause: new Error(ending.stderr.trim()) });
  return errorFromOutput(ending.stderr, otherwise);
}

/** Returns the error for an error output: `otherwise` where it has no known reason. */
export function errorFromOutput(stderr: string, otherwise: FrameloomError): FrameloomError {
  const cause = new Error(stderr.trim());
  const known = FAILURES.find(([pattern]) => pattern.test(stderr));
  return new FrameloomError(known?.[1] ?? otherwise.code, known?.[2] ?? otherwise.message, { cause });
}
