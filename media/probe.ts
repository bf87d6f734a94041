/** Finds out what a video is, and refuses here, before any costly work, what cannot be summarized. */
import { FrameloomError } from '../schema/errors.ts';
import type { FrameRate, VideoInfo } from '../schema/source.ts';
import { decodeFrames } from './decode.ts';
import { told } from './ffmpeg.ts';
import {
  type Inspection,
  type ProbedHeaders,
  type ProbedPacket,
  type ProbedStream,
  parseRatio,
  probeHeaders,
  probeLastPackets,
} from './ffprobe.ts';
import type { MediaLimits } from './limits.ts';
import { fitWithin, type Size } from './picture.ts';
import { sniff } from './sniff.ts';
import type { MediaTools } from './tools.ts';
import {
  codingOf,
  encrypted,
  pictureStream,
  subtitleTracks,
  undecodable,
  uprightSize,
} from './video-stream.ts';

/** Length of the tail, in seconds, in which the last packets are looked for. */
const TAIL = 10;
/** A file whose headers promise so many seconds more than are there is cut off. Headers are often a little wrong. */
const MISSING = 2;
/** Milliseconds in which the first frame must come. */
const FIRST_FRAME = 60_000;
/** Seconds that a video may last where no limit is set. */
const MAX_DURATION = 48 * 3600;
/**
 * Most frames a second. No camera's file has more (slow motion is stored slowed down), but a small file can hold a hundred
 * thousand frames that all claim the same second.
 */
const MAX_RATE = 1000;
/** Difference of two distances, in seconds, that the clock of the container may make: Matroska counts milliseconds. */
const CLOCK_ERROR = 0.0021;

/** What `probeVideo` finds out: all of VideoInfo that does not come from the bytes themselves. */
export type ProbedVideo = Omit<VideoInfo, 'type' | 'sha256' | 'bytes'>;

/**
 * What a video is, from the headers of its container and its first and last frames. Throws `empty_source`, `source_missing`,
 * `unsupported_media`, `no_video_stream` (sound only, cover pictures only), `media_truncated`, `media_too_large`,
 * `encrypted_media`, `timeout`, or the reason of the signal.
 */
export async function probeVideo(
  tools: MediaTools,
  path: string,
  limits: Pick<MediaLimits, 'maxPixels' | 'maxDuration'>,
  signal?: AbortSignal,
): Promise<ProbedVideo> {
  const kind = await sniff(path);
  if (kind !== 'video') throw new FrameloomError('unsupported_media', 'The file is not a video.');
  const inspection = { tools, path, maxPixels: limits.maxPixels, signal };
  const headers = await probeHeaders(inspection);
  const stream = pictureStream(headers);
  const coding = codingOf(stream);
  if (!stream.width || !stream.height) throw told(headers.complaint, undecodable());
  const size = uprightSize(stream, coding, limits.maxPixels);
  const { packets, whole } = await lastPackets(inspection, headers, stream);
  const shown = shownPackets(packets, stream);
  const frameRate = rateOf(shown, parseRatio(stream.avg_frame_rate), whole);
  const startOffset = await firstFrameTime(inspection, size);
  const end = shownUntil(shown, 1 / frameRate.average, startOffset - (stream.start_time ?? startOffset));
  const duration = Math.round(Math.max(0, end - startOffset) * 1e6) / 1e6;
  const { maxDuration = MAX_DURATION } = limits;
  if (duration > maxDuration) {
    throw new FrameloomError(
      'media_too_large',
      `The video lasts ${Math.round(duration)} s; the limit is ${maxDuration} s.`,
    );
  }
  return { ...size, startOffset, duration, coding, frameRate, subtitles: subtitleTracks(headers) };
}

/** Container time at which the headers say that it ends; undefined where they say nothing of their own. */
function promisedEnd({ format }: ProbedHeaders, stream: ProbedStream): number | undefined {
  const name = format.format_name;
  // ffmpeg shortens an AVI's duration to what its size allows, but not its count of frames.
  const rate = parseRatio(stream.avg_frame_rate);
  if (name.includes('avi') && rate !== undefined && stream.nb_frames) return stream.nb_frames / rate;
  // What Matroska and FLV call their duration counts from time 0, not from the start.
  if (name.includes('matroska') || name === 'flv') return format.duration;
  if (name.includes('mov') && format.duration !== undefined)
    return (format.start_time ?? 0) + format.duration;
  return undefined;
}

interface Tail {
  readonly packets: readonly ProbedPacket[];
  /** Whether it is all of the file that was read, the last packets of which are here. */
  readonly whole: boolean;
}

/** The packets of the last seconds, of all streams. Throws where the end that was promised is missing. */
async function lastPackets(
  inspection: Inspection,
  headers: ProbedHeaders,
  stream: ProbedStream,
): Promise<Tail> {
  const promised = promisedEnd(headers, stream);
  const { start_time = 0, duration } = headers.format;
  const expected = promised ?? (duration === undefined ? undefined : start_time + duration);
  const found = await tail(inspection, expected);
  const { packets, partial } = found ?? (await probeLastPackets(inspection, undefined));
  if (packets.some(({ side_data_type }) => side_data_type === 'Encryption info')) throw encrypted();
  const end = Math.max(
    0,
    ...packets.map(({ pts_time, dts_time, duration_time }) => {
      return (pts_time ?? dts_time ?? 0) + (duration_time ?? 0);
    }),
  );
  if (partial || (promised !== undefined && promised - end > MISSING)) {
    const reached = `It ends at ${end.toFixed(1)} s`;
    const message =
      promised === undefined ? `${reached}.` : `${reached}, and should at ${promised.toFixed(1)} s.`;
    throw new FrameloomError('media_truncated', message);
  }
  return { packets, whole: found === undefined };
}

/** What is found by seeking to the end; undefined where that leads nowhere. */
async function tail(
  inspection: Inspection,
  end: number | undefined,
): Promise<Awaited<ReturnType<typeof probeLastPackets>> | undefined> {
  if (end === undefined || end <= TAIL) return undefined;
  const found = await probeLastPackets(inspection, end - TAIL).catch((error: unknown) => {
    if (inspection.signal?.aborted) throw error;
    return undefined;
  });
  return found?.packets.some(({ codec_type }) => codec_type === 'video') ? found : undefined;
}

/** The packets of the pictures, without those that are decoded only for the sake of others. */
function shownPackets(packets: readonly ProbedPacket[], stream: ProbedStream): readonly ProbedPacket[] {
  const shown = packets.filter(
    ({ stream_index, flags }) => stream_index === String(stream.index) && !flags.includes('D'),
  );
  if (shown.length === 0) throw undecodable();
  return shown;
}

/**
 * Container time at which the last frame is no longer shown; `frame` seconds stand for a duration that is not given. Where some
 * packets say only when they are decoded (AVI, MPEG program streams), the order of decoding is counted: frames are shown later
 * by at least as much as all others are, and as the first one is, by `delay`.
 */
function shownUntil(packets: readonly ProbedPacket[], frame: number, delay: number): number {
  const clock = clockOf(packets);
  const delays = packets.flatMap(({ pts_time, dts_time }) =>
    pts_time === undefined || dts_time === undefined ? [] : [pts_time - dts_time],
  );
  const later = clock === 'pts_time' ? 0 : Math.max(0, delay, delays.length > 0 ? Math.min(...delays) : 0);
  return later + Math.max(...packets.map((packet) => (packet[clock] ?? 0) + (packet.duration_time ?? frame)));
}

/** Times of presentation where all packets have one, else those of decoding. */
function clockOf(packets: readonly ProbedPacket[]): 'pts_time' | 'dts_time' {
  return packets.every(({ pts_time }) => pts_time !== undefined) ? 'pts_time' : 'dts_time';
}

/**
 * Whether frames stand equally long, judged by the packets of the end and, where those are not all, by whether the average of
 * the headers fits them: as it is, or for fields that are counted as frames. Throws `media_too_large` for absurd rates.
 */
function rateOf(packets: readonly ProbedPacket[], stated: number | undefined, whole: boolean): FrameRate {
  const clock = clockOf(packets);
  const times = packets.flatMap((packet) => packet[clock] ?? []).sort((first, second) => first - second);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const length = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const measured = length > 0 ? gaps.length / length : undefined;
  const rate = Math.max(stated ?? 0, packets.length >= 2 * MAX_RATE ? (measured ?? Infinity) : 0);
  if (rate > MAX_RATE && packets.length > MAX_RATE) {
    throw new FrameloomError(
      'media_too_large',
      `The video has ${Number.isFinite(rate) ? Math.round(rate) : 'endless'} frames a second; the limit is ${MAX_RATE}.`,
    );
  }
  const even = gaps.length === 0 || Math.max(...gaps) - Math.min(...gaps) <= CLOCK_ERROR;
  const ratio = stated === undefined || measured === undefined ? 1 : stated / measured;
  const fits = [0.5, 1, 2].some((share) => Math.abs(ratio - share) < 0.02);
  const average = (whole && Math.abs(ratio - 1) > 0.02 ? measured : stated) ?? measured ?? 25;
  return { kind: even && fits ? 'constant' : 'variable', average: Math.round(average * 1000) / 1000 };
}

async function firstFrameTime({ tools, path, maxPixels, signal }: Inspection, size: Size): Promise<number> {
  const request = { size: fitWithin(size, 64) };
  const options = { signal, maxPixels, timeLimit: FIRST_FRAME };
  for await (const { time } of decodeFrames(tools, path, request, options)) return time;
  throw undecodable();
}
