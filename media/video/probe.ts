/** Probes videos and rejects those that cannot be summarized, before any expensive work. */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameRate, VideoInfo } from '../../schema/source.ts';
import { errorFromOutput, type MediaTools } from '../exec/index.ts';
import { detectMediaKind } from '../formats/index.ts';
import { fitWithin, type Size } from '../images/index.ts';
import type { MediaLimits } from '../limits.ts';
import { decodeFrames } from './decode.ts';
import {
  type ProbedHeaders,
  type ProbedPacket,
  type ProbedStream,
  type ProbeTarget,
  parseRatio,
  probeHeaders,
  probeLastPackets,
} from './ffprobe.ts';
import { clockOf, displayedPackets, endOfLastFrame, rateOf } from './frame-times.ts';
import { isScrambled } from './scrambled.ts';
import { codingOf, encrypted, findVideoStream, tracksOf, undecodable, uprightSize } from './video-stream.ts';

/** Length of the end of the file in which the last packets are searched. */
const TAIL_SECONDS = 10;
/**
 * A file is cut off where its headers state this much more than it contains. Headers are often slightly
 * wrong.
 */
const MAX_MISSING_SECONDS = 2;
/** Wall-clock limit for decoding the first frame. */
const FIRST_FRAME_LIMIT_MS = 60_000;
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
  if (await isScrambled(path)) throw encrypted();
  const target = { tools, path, maxPixels: limits.maxPixels, signal };
  const headers = await probeHeaders(target);
  const stream = findVideoStream(headers, limits.videoTrack);
  const coding = codingOf(stream);
  if (!stream.width || !stream.height) throw errorFromOutput(headers.errorOutput, undecodable());
  const size = uprightSize(stream, coding, limits.maxPixels);
  const { displayed, frameRate, startOffset } = await endsOf(target, headers, stream, size);
  const end = endOfLastFrame(
    displayed,
    1 / frameRate.average,
    startOffset - (stream.start_time ?? startOffset),
  );
  const duration = Math.round(Math.max(0, end - startOffset) * 1e6) / 1e6;
  const { maxDuration = DEFAULT_MAX_SECONDS } = limits;
  if (duration > maxDuration) {
    throw new FrameloomError(
      'media_too_large',
      `The video lasts ${Math.round(duration)} s; the limit is ${maxDuration} s.`,
    );
  }
  return {
    ...size,
    startOffset,
    duration,
    coding,
    frameRate,
    ...(clockOf(displayed) === 'dts_time' ? { lacksTimestamps: true } : {}),
    tracks: tracksOf(headers),
    videoTrack: stream.index,
  };
}

interface Ends {
  readonly displayed: readonly ProbedPacket[];
  readonly frameRate: FrameRate;
  readonly startOffset: number;
}

/** Reads the last packets and the first frame in parallel. An error in the packets takes precedence. */
async function endsOf(
  target: ProbeTarget,
  headers: ProbedHeaders,
  stream: ProbedStream,
  size: Size,
): Promise<Ends> {
  const packetsFailed = new AbortController();
  const signals = [packetsFailed.signal, ...(target.signal ? [target.signal] : [])];
  const first = firstFrameTime({ ...target, signal: AbortSignal.any(signals) }, stream, size);
  const firstEnded = first.catch(() => undefined);
  try {
    const { packets, whole } = await lastPackets(target, headers, stream);
    const displayed = displayedPackets(packets, stream);
    const frameRate = rateOf(displayed, parseRatio(stream.avg_frame_rate), whole);
    return { displayed, frameRate, startOffset: await first };
  } finally {
    packetsFailed.abort();
    await firstEnded;
  }
}

/** Returns the container time of the end by the headers; undefined where they do not state one. */
function statedEnd({ format }: ProbedHeaders, stream: ProbedStream): number | undefined {
  const name = format.format_name;
  // ffmpeg shortens an AVI's duration to what its size allows, but not its count of frames.
  const rate = parseRatio(stream.avg_frame_rate);
  if (name.includes('avi') && rate !== undefined && stream.nb_frames) return stream.nb_frames / rate;
  // The duration of Matroska and FLV counts from time 0, not from the start.
  if (name.includes('matroska') || name === 'flv') return format.duration;
  if (name.includes('mov') && format.duration !== undefined)
    return (format.start_time ?? 0) + format.duration;
  return undefined;
}

interface Tail {
  readonly packets: readonly ProbedPacket[];
  /** Whether the whole file was read; `packets` are the last ones in either case. */
  readonly whole: boolean;
}

/**
 * Returns the packets of the last seconds, of all streams. Throws `media_truncated` where the stated end is
 * missing.
 */
async function lastPackets(target: ProbeTarget, headers: ProbedHeaders, stream: ProbedStream): Promise<Tail> {
  const stated = statedEnd(headers, stream);
  const { start_time = 0, duration } = headers.format;
  const expected = stated ?? (duration === undefined ? undefined : start_time + duration);
  const found = await readTail(target, expected, stream);
  const { packets, partial } = found ?? (await probeLastPackets(target, undefined));
  if (packets.some(({ side_data_type }) => side_data_type === 'Encryption info')) throw encrypted();
  const end = Math.max(
    0,
    ...packets.map(({ pts_time, dts_time, duration_time }) => {
      return (pts_time ?? dts_time ?? 0) + (duration_time ?? 0);
    }),
  );
  if (partial || (stated !== undefined && stated - end > MAX_MISSING_SECONDS)) {
    const reached = `The video is cut off: it ends at ${end.toFixed(1)} s`;
    const message =
      stated === undefined ? `${reached}.` : `${reached}, and should at ${stated.toFixed(1)} s.`;
    throw new FrameloomError('media_truncated', message);
  }
  return { packets, whole: found === undefined };
}

/** Returns the packets found by seeking to the end; undefined where seeking fails. */
async function readTail(
  target: ProbeTarget,
  end: number | undefined,
  stream: ProbedStream,
): Promise<Awaited<ReturnType<typeof probeLastPackets>> | undefined> {
  if (end === undefined || end <= TAIL_SECONDS) return undefined;
  const found = await probeLastPackets(target, end - TAIL_SECONDS).catch((error: unknown) => {
    if (target.signal?.aborted) throw error;
    return undefined;
  });
  return found?.packets.some(({ stream_index }) => stream_index === String(stream.index)) ? found : undefined;
}

async function firstFrameTime(
  { tools, path, maxPixels, signal }: ProbeTarget,
  stream: ProbedStream,
  size: Size,
): Promise<number> {
  const request = { size: fitWithin(size, 64), videoTrack: stream.index };
  const options = { signal, maxPixels, timeLimitMs: FIRST_FRAME_LIMIT_MS };
  for await (const { pts } of decodeFrames(tools, path, request, options)) return pts;
  throw undecodable();
}
