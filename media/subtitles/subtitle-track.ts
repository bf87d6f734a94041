/** Reads the text of a subtitle track inside a video. */
import { FrameloomError } from '../../core/errors.ts';
import type { Cue, SourceTrack, VideoInfo } from '../../schema/source.ts';
import { inputArgs, type MediaTools, runProgram, toMediaError } from '../exec/index.ts';
import { probeHeaders } from '../video/index.ts';
import { shiftCues } from './cues.ts';
import { MAX_TRANSCRIPT_BYTES, parseTranscript } from './transcript.ts';

/** Tracks of text; the others are images of text (DVD, Blu-ray, DVB). */
const TEXT_CODECS = new Set(['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'mov_text', 'text', 'ttml']);
/** Wall-clock limit: the whole file is read. */
const TIME_LIMIT_MS = 1_200_000;

/**
 * Returns the first subtitle track, of those that `probeVideo` found, that can be read as text; undefined
 * where there is none.
 */
export function findTextTrack({ tracks }: Pick<VideoInfo, 'tracks'>): SourceTrack | undefined {
  return tracks.find(({ type, codec }) => type === 'subtitles' && TEXT_CODECS.has(codec));
}

/**
 * Whether the video at `path` has an audio stream. `maxPixels` limits the frames that ffprobe may allocate.
 *
 * @throws FrameloomError as `probeVideo` does; or the reason of the signal
 */
export async function hasAudio(
  tools: MediaTools,
  path: string,
  maxPixels: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { streams } = await probeHeaders({ tools, path, maxPixels, signal });
  return streams.some(({ codec_type }) => codec_type === 'audio');
}

export interface SubtitleTrackRequest {
  /** File of the video. */
  readonly path: string;
  readonly video: Pick<VideoInfo, 'startOffset'>;
  readonly track: SourceTrack;
  /** Largest frame of the video that ffmpeg may allocate, in pixels. */
  readonly maxPixels: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Returns the cues of a subtitle track, with times in seconds from the first displayed frame. Returns none
 * where the track is empty or cannot be read: a broken track costs the transcript, not the summary.
 *
 * @throws FrameloomError `timeout`; or the reason of the signal
 */
export async function readSubtitleTrack(
  tools: MediaTools,
  { path, video, track, maxPixels, signal }: SubtitleTrackRequest,
): Promise<readonly Cue[]> {
  const args = [
    // Times as the container has them: without -copyts ffmpeg counts from the first packet of any stream.
    ...['-nostdin', '-copyts', ...inputArgs(path, { maxPixels })],
    ...['-map', `0:${track.index}`, '-vn', '-an', '-dn', '-f', 'srt', 'pipe:1'],
  ];
  const exit = await runProgram(tools.ffmpeg, args, {
    signal,
    timeLimitMs: TIME_LIMIT_MS,
    maxBytes: MAX_TRANSCRIPT_BYTES,
    keep: 'all',
  });
  const unreadable = new FrameloomError('transcript_unreadable', 'The subtitle track cannot be read.');
  const failure = exit.code === 0 ? undefined : toMediaError(exit, signal, unreadable);
  if (failure !== undefined && (exit.stopped === 'abort' || exit.stopped === 'time_limit')) throw failure;
  try {
    const cues = shiftCues(parseTranscript(Buffer.from(exit.stdout)), -video.startOffset);
    return cues.filter(({ end }) => end >= 0);
  } catch (error) {
    if (error instanceof FrameloomError) return [];
    throw error;
  }
}
