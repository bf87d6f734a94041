/** Finds out what a video is, and refuses here, before any costly work, what cannot be summarized. */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameRate, VideoInfo } from '../../schema/source.ts';
import { errorFromOutput, type MediaTools } from '../exec/index.ts';
import { detectMediaKind } from '../formats/index.ts';
import { fitWithin, type Size } from '../images/index.ts';
import type { MediaLimits } from '../limits.ts';
import { decodeFrames } from './decode.ts';
import {
  type Inspection,
  type ProbedHeaders,
  type ProbedPacket,
  type ProbedStream,
  parseRatio,
  probeHeaders,
  probeLastPackets,
} from './ffprobe.ts';
import { clockOf, rateOf, shownPackets, shownUntil } from './frame-times.ts';
import { isScrambled } from './scrambled.ts';
import {
  codingOf,
  encrypted,
  findVideoStream,
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
  const kind = await detectMediaKind(path);
  if (kind !== 'video') throw new FrameloomError('unsupported_media', 'The file is not a video.');
  if (await isScrambled(path)) throw encrypted();
  const inspection = { tools, path, maxPixels: limits.maxPixels, signal };
  const headers = await probeHeaders(inspection);
  const stream = findVideoStream(headers);
  const coding = codingOf(stream);
  if (!stream.width || !stream.height) throw errorFromOutput(headers.complaint, undecodable());
  const size = uprightSize(stream, coding, limits.maxPixels);
  const { shown, frameRate, startOffset } = await endsOf(inspection, headers, stream, size);
  const end = shownUntil(shown, 1 / frameRate.average, startOffset - (stream.start_time ?? startOffset));
  const duration = Math.round(Math.max(0, end - startOffset) * 1e6) / 1e6;
  const { maxDuration = MAX_DURATION } = limits;
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
    ...(clockOf(shown) === 'dts_time' ? { lacksTimestamps: true } : {}),
    subtitles: subtitleTracks(headers),
  };
}

interface Ends {
  readonly shown: readonly ProbedPacket[];
  readonly frameRate: FrameRate;
  readonly startOffset: number;
}

/** What the last packets and the first frame tell, both looked for at once; what is wrong with the packets is said first. */
async function endsOf(
  inspection: Inspection,
  headers: ProbedHeaders,
  stream: ProbedStream,
  size: Size,
): Promise<Ends> {
  const refused = new AbortController();
  const signals = [refused.signal, ...(inspection.signal ? [inspection.signal] : [])];
  const first = firstFrameTime({ ...inspection, signal: AbortSignal.any(signals) }, size);
  const firstEnded = first.catch(() => undefined);
  try {
    const { packets, whole } = await lastPackets(inspection, headers, stream);
    const shown = shownPackets(packets, stream);
    const frameRate = rateOf(shown, parseRatio(stream.avg_frame_rate), whole);
    return { shown, frameRate, startOffset: await first };
  } finally {
    refused.abort();
    await firstEnded;
  }
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
  const found = await tail(inspection, expected, stream);
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
  stream: ProbedStream,
): Promise<Awaited<ReturnType<typeof probeLastPackets>> | undefined> {
  if (end === undefined || end <= TAIL) return undefined;
  const found = await probeLastPackets(inspection, end - TAIL).catch((error: unknown) => {
    if (inspection.signal?.aborted) throw error;
    return undefined;
  });
  return found?.packets.some(({ stream_index }) => stream_index === String(stream.index)) ? found : undefined;
}

async function firstFrameTime({ tools, path, maxPixels, signal }: Inspection, size: Size): Promise<number> {
  const request = { size: fitWithin(size, 64) };
  const options = { signal, maxPixels, timeLimitMs: FIRST_FRAME };
  for await (const { pts } of decodeFrames(tools, path, request, options)) return pts;
  throw undecodable();
}
