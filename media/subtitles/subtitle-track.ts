/** Takes the words of a subtitle track out of a video. */
import { FrameloomError } from '../../core/errors.ts';
import type { Cue, SubtitleTrack, VideoInfo } from '../../schema/source.ts';
import { inputArgs, type MediaTools, runProgram, toMediaError } from '../exec/index.ts';
import { probeHeaders } from '../video/index.ts';
import { shiftCues } from './cues.ts';
import { MAX_TRANSCRIPT_BYTES, parseTranscript } from './transcript.ts';

/** Tracks of text; the others are pictures of text (DVD, Blu-ray, DVB). */
const TEXT_CODECS = new Set(['subrip', 'srt', 'ass', 'ssa', 'webvtt', 'mov_text', 'text', 'ttml']);
/** The whole file is read: wall-clock limit in milliseconds. */
const TIME_LIMIT = 1_200_000;

/** The first track of words that is text, as `probeVideo` has found it. */
export function findTextTrack({ subtitles }: Pick<VideoInfo, 'subtitles'>): SubtitleTrack | undefined {
  return subtitles.find(({ codec }) => TEXT_CODECS.has(codec));
}

/** Whether there is anything to hear. */
export async function hasAudio(
  tools: MediaTools,
  path: string,
  maxPixels: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const { streams } = await probeHeaders({ tools, path, maxPixels, signal });
  return streams.some(({ codec_type }) => codec_type === 'audio');
}

/**
 * The words of `track`, in times from the first shown frame; none where the track is empty or cannot be read: a
 * broken track costs the words, not the summary. Throws `timeout` and the reason of the signal.
 */
export async function readSubtitleTrack(
  tools: MediaTools,
  path: string,
  video: Pick<VideoInfo, 'startOffset'>,
  track: SubtitleTrack,
  options: { readonly maxPixels: number; readonly signal?: AbortSignal | undefined },
): Promise<readonly Cue[]> {
  const args = [
    // Times of the container as they are: ffmpeg would count from the first packet of any stream.
    ...['-nostdin', '-copyts', ...inputArgs(path, options)],
    ...['-map', `0:${track.index}`, '-vn', '-an', '-dn', '-f', 'srt', 'pipe:1'],
  ];
  const ending = await runProgram(tools.ffmpeg, args, {
    signal: options.signal,
    timeLimitMs: TIME_LIMIT,
    maxBytes: MAX_TRANSCRIPT_BYTES,
    keep: 'all',
  });
  const unreadable = new FrameloomError('words_unreadable', 'The subtitle track cannot be read.');
  const failure = ending.code === 0 ? undefined : toMediaError(ending, options.signal, unreadable);
  if (failure !== undefined && (ending.stopped === 'abort' || ending.stopped === 'time_limit')) throw failure;
  try {
    return shiftCues(parseTranscript(Buffer.from(ending.stdout)), -video.startOffset).filter(
      ({ end }) => end >= 0,
    );
  } catch (error) {
    if (error instanceof FrameloomError) return [];
    throw error;
  }
}
