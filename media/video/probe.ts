/** Probes videos and rejects those that cannot be summarized, before any expensive work. */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameCoding, VideoInfo } from '../../schema/source.ts';
import { errorFromOutput, type MediaTools, runProgram } from '../exec/index.ts';
import { detectMediaKind } from '../formats/index.ts';
import { fitWithin, type Size } from '../images/index.ts';
import type { MediaLimits } from '../limits.ts';
import { decodeFrames } from './decode.ts';
import {
  type ProbedHeaders,
  type ProbedStream,
  type ProbeTarget,
  parseRatio,
  probeHeaders,
} from './ffprobe.ts';
import { findDenseUntil } from './frame-stands.ts';
import { clockOf, endOfLastFrame, rateOf } from './frame-times.ts';
import { isProtected } from './protection.ts';
import { isScrambled } from './scrambled.ts';
import { readStreamEnds, type StreamEnds } from './stream-ends.ts';
import { codingOf, encrypted, findVideoStream, tracksOf, undecodable, uprightSize } from './video-stream.ts';

/** Less than this is not a gap where a file is truncated. */
const MAX_MISSING_SECONDS = 0.5;
/** Wall-clock limit for decoding the first frame. */
const FIRST_FRAME_LIMIT_MS = 60_000;
/** Wall-clock limit for reading all packets. */
const SCAN_LIMIT_MS = 1_800_000;
/** Default longest duration. */
const DEFAULT_MAX_SECONDS = 48 * 3600;

/** The result of `probeVideo`: VideoInfo without hash and size of the file. */
export type ProbedVideo = Omit<VideoInfo, 'type' | 'sha256' | 'bytes'>;

export interface ProbeLimits extends Pick<MediaLimits, 'maxPixels' | 'maxDuration'> {
  /** Number of the video stream to read. Default: the one that players show. */
  readonly videoTrack?: number | undefined;
}

/**
 * Probes a video: duration and start in seconds, displayed size in pixels, colour coding, frame rate and
 * subtitle tracks, from the headers of its container and its first and last frames.
 *
 * @throws FrameloomError `empty_source`, `source_missing`, `unsupported_media`, `no_video_stream` (only
 *   audio, only cover images), `no_such_track`, `media_truncated`, `media_too_large`, `encrypted_media`, `timeout`; or the
 *   reason of the signal
 */
export async function probeVideo(
  tools: MediaTools,
  path: string,
  limits: ProbeLimits,
  signal?: AbortSignal,
): Promise<ProbedVideo> {
  const kind = await detectMediaKind(path);
  if (kind !== 'video') throw new FrameloomError('unsupported_media', 'The file is not a video.');
  if ((await isScrambled(path)) || (await isProtected(path))) throw encrypted();
  const target = { tools, path, maxPixels: limits.maxPixels, signal };
  const headers = await probeHeaders(target);
  const stream = findVideoStream(headers, limits.videoTrack);
  const coding = { ...codingOf(stream), ...(await alphaDecoder(target, stream)) };
  if (!stream.width || !stream.height) throw errorFromOutput(headers.errorOutput, undecodable());
  const size = uprightSize(stream, coding, limits.maxPixels);
  const { ends, startOffset } = await readEnds(target, headers, stream, size);
  const { last } = ends.video;
  const frameRate = rateOf(ends.video, parseRatio(stream.avg_frame_rate), ends.whole);
  const delay = startOffset - (stream.start_time ?? startOffset);
  const end = Math.max(endOfLastFrame(last, 1 / frameRate.average, delay), ends.audioEnd);
  const secondsTo = (time: number): number => Math.round(Math.max(0, time - startOffset) * 1e6) / 1e6;
  const duration = secondsTo(end);
  const { maxDuration = DEFAULT_MAX_SECONDS } = limits;
  if (duration > maxDuration) {
    throw new FrameloomError(
      'media_too_large',
      `The video lasts ${Math.round(duration)} s; the limit is ${maxDuration} s.`,
    );
  }
  const sequential = ends.sequential ? { sequential: ends.sequential } : {};
  const times = { videoTrack: stream.index, startOffset, duration, ...sequential };
  const scanOptions = { signal, maxPixels: limits.maxPixels, timeLimitMs: SCAN_LIMIT_MS };
  return {
    ...size,
    ...times,
    coding,
    frameRate,
    // At a lower rate many frames are displayed for longer, whatever their times.
    ...(frameRate.average < 5 ? {} : { denseUntil: await findDenseUntil(tools, path, times, scanOptions) }),
    ...(clockOf(last) === 'dts' ? { lacksTimestamps: true } : {}),
    ...missingEnd(ends, duration, secondsTo),
    tracks: tracksOf(headers),
  };
}

/** What follows the last frame that can be read: further recordings, or the end that a truncated file lacks. */
function missingEnd(
  { statedEnd, unreadSeconds = 0 }: StreamEnds,
  duration: number,
  secondsTo: (time: number) => number,
): Pick<VideoInfo, 'missing'> {
  const unread = Math.round(unreadSeconds * 1e6) / 1e6;
  if (unread > 0)
    return { missing: { start: duration, end: duration + unread, reason: 'unsupported_media' } };
  const end = statedEnd === undefined ? 0 : secondsTo(statedEnd);
  return end - duration > MAX_MISSING_SECONDS ? { missing: { start: duration, end } } : {};
}

/** Decoders of ffmpeg that read the alpha channel of WebM; the default ones drop it. */
const ALPHA_DECODERS: Readonly<Record<string, string>> = { vp8: 'libvpx', vp9: 'libvpx-vp9' };

/** The decoder for a track with alpha in side data, unless this ffmpeg was built without it. */
async function alphaDecoder(
  { tools, signal }: ProbeTarget,
  { tags, codec_name = '' }: ProbedStream,
): Promise<Pick<FrameCoding, 'transparent' | 'decoder'>> {
  const decoder = ALPHA_DECODERS[codec_name];
  if ((tags?.alpha_mode ?? tags?.ALPHA_MODE) !== '1' || decoder === undefined) return {};
  const limits = { signal, timeLimitMs: 10_000, maxBytes: 2 ** 20, keep: 'all' } as const;
  const { stdout } = await runProgram(tools.ffmpeg, ['-hide_banner', '-h', `decoder=${decoder}`], limits);
  return stdout.includes(`Decoder ${decoder}`) ? { transparent: true, decoder } : {};
}

/** Reads the packets and the first frame in parallel. An error in the packets takes precedence. */
async function readEnds(
  target: ProbeTarget,
  headers: ProbedHeaders,
  stream: ProbedStream,
  size: Size,
): Promise<{ readonly ends: StreamEnds; readonly startOffset: number }> {
  const packetsFailed = new AbortController();
  const signals = [packetsFailed.signal, ...(target.signal ? [target.signal] : [])];
  const first = firstFrameTime({ ...target, signal: AbortSignal.any(signals) }, stream, size);
  const firstEnded = first.catch(() => undefined);
  try {
    const ends = await readStreamEnds(target, headers, stream);
    return { ends, startOffset: await first };
  } finally {
    packetsFailed.abort();
    await firstEnded;
  }
}

async function firstFrameTime(
  { tools, path, maxPixels, signal }: ProbeTarget,
  stream: ProbedStream,
  size: Size,
): Promise<number> {
  const request = { size: fitWithin(size, 64), video: { videoTrack: stream.index } };
  const options = { signal, maxPixels, timeLimitMs: FIRST_FRAME_LIMIT_MS };
  for await (const { pts } of decodeFrames(tools, path, request, options)) return pts;
  throw undecodable();
}
