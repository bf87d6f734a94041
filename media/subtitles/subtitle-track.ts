/** Reads the text of a subtitle track inside a video. */
import { FrameloomError } from '../../core/errors.ts';
import type { SourceTrack, VideoInfo } from '../../schema/source.ts';
import { inputArgs, type MediaTools, runProgram, toMediaError } from '../exec/index.ts';
import { cueFilter, readEdited } from '../video/index.ts';
import type { PlacedCues } from './cues.ts';
import { readTrackCues } from './read-transcript.ts';
import { MAX_TRANSCRIPT_BYTES } from './transcript.ts';

/** Wall-clock limit: the whole file is read. */
const TIME_LIMIT_MS = 1_200_000;
/** Added to the times on their way through ffmpeg: its formats have no negative ones. */
const HEADROOM_SECONDS = 3600;

export interface SubtitleTrackRequest {
  /** File of the video. */
  readonly path: string;
  readonly video: Pick<VideoInfo, 'startOffset' | 'sequential'>;
  readonly track: Pick<SourceTrack, 'index' | 'codec'>;
  /** Largest frame of the video that ffmpeg may allocate, in pixels. */
  readonly maxPixels: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns the cues of a subtitle track, with times in seconds from the first displayed frame; none where the
 * track is empty.
 *
 * @throws FrameloomError `transcript_unreadable`, `media_too_large` above 16 MiB of text, `timeout`; or the
 *   reason of the signal
 */
export async function readSubtitleTrack(
  tools: MediaTools,
  { path, video, track, maxPixels, signal }: SubtitleTrackRequest,
): Promise<PlacedCues> {
  const { parts = [], edits = [] } = video.sequential ?? {};
  const unreadable = new FrameloomError(
    'transcript_unreadable',
    `The subtitles of track ${track.index} (${track.codec}) cannot be read.`,
  );
  const format = formatArgs(track.codec);
  const isJoined = parts.length > 1;
  // Only packets that are copied have a position, which tells their recording.
  if (isJoined && !format.includes('copy')) throw unreadable;
  const piped = edits.length > 0;
  const args = [
    // Times as the container has them: without -copyts ffmpeg counts from the first packet of any stream.
    ...['-nostdin', '-copyts', ...inputArgs(path, { maxPixels, piped })],
    ...['-map', `0:${track.index}`, '-vn', '-an', '-dn', '-output_ts_offset', String(HEADROOM_SECONDS)],
    ...(isJoined ? ['-bsf', cueFilter(parts)] : []),
    ...format,
    'pipe:1',
  ];
  const exit = await runProgram(tools.ffmpeg, args, {
    signal,
    timeLimitMs: TIME_LIMIT_MS,
    maxBytes: MAX_TRANSCRIPT_BYTES,
    keep: 'all',
    ...(piped ? { input: readEdited(path, edits) } : {}),
  });
  if (exit.stopped === 'done')
    throw new FrameloomError(
      'media_too_large',
      `The subtitle track has more than ${MAX_TRANSCRIPT_BYTES} bytes.`,
    );
  const found =
    exit.stdout.trim() === '' ? { cues: [], skipped: {} } : await readTrackText(exit.stdout, video, signal);
  // What was read before a failure counts: the file may be cut off.
  if (exit.code === 0 || (found.cues.length > 0 && exit.stopped === undefined)) return found;
  throw toMediaError(exit, signal, unreadable);
}

function readTrackText(
  text: string,
  { startOffset }: Pick<VideoInfo, 'startOffset'>,
  signal: AbortSignal | undefined,
): Promise<PlacedCues> {
  return readTrackCues(Buffer.from(text), { shift: -startOffset - HEADROOM_SECONDS, signal });
}

/** The format that keeps what the track has. ffmpeg's decoders would remove angle brackets and voices. */
function formatArgs(codec: string): readonly string[] {
  if (codec === 'ass' || codec === 'ssa') return ['-c:s', 'copy', '-f', 'ass'];
  if (codec === 'webvtt') return ['-c:s', 'copy', '-f', 'webvtt'];
  if (codec === 'subrip' || codec === 'srt' || codec === 'text') return ['-c:s', 'copy', '-f', 'srt'];
  return ['-f', 'srt'];
}
