/** Finds out what a video is, and refuses here, before any costly work, what cannot be summarized. */
import { FrameloomError } from '../schema/errors.ts';
import type { VideoInfo } from '../schema/source.ts';
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
import type { MediaLimits } from './limits.ts';
import { fitWithin, type Size } from './picture.ts';
import { sniff } from './sniff.ts';
import type { MediaTools } from './tools.ts';

/** Length of the tail, in seconds, in which the last packets are looked for. */
const TAIL = 10;
/** A file whose headers promise so many seconds more than are there is cut off. Headers are often a little wrong. */
const MISSING = 2;
/** Milliseconds in which the first frame must come. */
const FIRST_FRAME = 60_000;

/** What `probeVideo` finds out: all of VideoInfo that does not come from the bytes themselves. */
export type ProbedVideo = Pick<VideoInfo, 'duration' | 'startOffset' | 'width' | 'height'>;

/**
 * Times and size of a video, from the container and its first and last frames. Throws `empty_source`, `source_missing`,
 * `unsupported_media`, `no_video_stream` (sound only, cover pictures only), `media_truncated`, `media_too_large`,
 * `encrypted_media`, `timeout`, or the reason of the signal.
 */
export async function probeVideo(
  tools: MediaTools,
  path: string,
  limits: Pick<MediaLimits, 'maxPixels'>,
  signal?: AbortSignal,
): Promise<ProbedVideo> {
  const kind = await sniff(path);
  if (kind !== 'video') throw new FrameloomError('unsupported_media', 'The file is not a video.');
  const inspection = { tools, path, maxPixels: limits.maxPixels, signal };
  const headers = await probeHeaders(inspection);
  const stream = pictureStream(headers);
  const size = uprightSize(stream, limits.maxPixels);
  const packets = await lastPackets(inspection, headers, stream);
  const end = shownUntil(packets, 1 / (parseRatio(stream.avg_frame_rate) ?? 25));
  const startOffset = await firstFrameTime(inspection, size);
  return { ...size, startOffset, duration: Math.round(Math.max(0, end - startOffset) * 1e6) / 1e6 };
}

/** The stream that ffmpeg's `V:0` takes: the first video that is no cover picture. */
function pictureStream({ streams }: ProbedHeaders): ProbedStream {
  const stream = streams.find(
    ({ codec_type, disposition }) =>
      codec_type === 'video' && disposition?.attached_pic !== 1 && disposition?.timed_thumbnails !== 1,
  );
  if (!stream) {
    const found = streams.some(({ codec_type }) => codec_type === 'audio') ? 'only sound' : 'no pictures';
    throw new FrameloomError('no_video_stream', `The file has ${found}.`);
  }
  if (stream.tags?.enc_key_id !== undefined) throw encrypted(); // Matroska, WebM
  if (stream.codec_name === undefined || stream.codec_name === 'unknown') {
    throw new FrameloomError('unsupported_media', 'The video codec is not supported.');
  }
  return stream;
}

/** Size of a frame as a viewer sees it: turned upright, pixels made square by stretching the width. */
function uprightSize(stream: ProbedStream, maxPixels: number): Size {
  const { width = 0, height = 0 } = stream;
  if (width < 1 || height < 1) throw undecodable();
  const aspect = parseRatio(stream.sample_aspect_ratio) ?? 1;
  const square = { width: Math.max(1, Math.round(width * aspect)), height };
  const pixels = Math.max(width, square.width) * height;
  if (pixels > maxPixels) {
    throw new FrameloomError('media_too_large', `A frame has ${pixels} pixels; the limit is ${maxPixels}.`);
  }
  const rotation = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const lies = Math.round(rotation / 90) % 2 !== 0;
  return lies ? { width: square.height, height: square.width } : square;
}

/** Container time at which the headers say that it ends; undefined where they say nothing of their own. */
function promisedEnd({ format }: ProbedHeaders, stream: ProbedStream): number | undefined {
  const name = format.format_name;
  // ffmpeg shortens an AVI's duration to what its size allows, but not its count of frames.
  const rate = parseRatio(stream.avg_frame_rate);
  if (name.includes('avi') && rate !== undefined && stream.nb_frames) return stream.nb_frames / rate;
  // What Matroska calls its duration counts from time 0, not from the start.
  if (name.includes('matroska')) return format.duration;
  if (name.includes('mov') && format.duration !== undefined)
    return (format.start_time ?? 0) + format.duration;
  return undefined;
}

/** The packets of the last seconds, of all streams. Throws where the end that was promised is missing. */
async function lastPackets(
  inspection: Inspection,
  headers: ProbedHeaders,
  stream: ProbedStream,
): Promise<readonly ProbedPacket[]> {
  const promised = promisedEnd(headers, stream);
  const { start_time = 0, duration } = headers.format;
  const expected = promised ?? (duration === undefined ? undefined : start_time + duration);
  const { packets, partial } =
    (await tail(inspection, expected)) ?? (await probeLastPackets(inspection, undefined));
  if (packets.some(({ side_data_type }) => side_data_type === 'Encryption info')) throw encrypted();
  const end = Math.max(0, ...packets.map((packet) => endOf(packet, 0)));
  if (partial || (promised !== undefined && promised - end > MISSING)) {
    const found = `It ends at ${end.toFixed(1)} s`;
    const message =
      promised === undefined ? `${found}.` : `${found}, and should at ${promised.toFixed(1)} s.`;
    throw new FrameloomError('media_truncated', message);
  }
  return packets;
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

/** The end of the last frame that is shown; `frame` seconds stand for a duration that is not given. */
function shownUntil(packets: readonly ProbedPacket[], frame: number): number {
  const shown = packets.filter(({ codec_type, flags }) => codec_type === 'video' && !flags.includes('D'));
  const stream = shown[0]?.stream_index;
  const ends = shown
    .filter(({ stream_index }) => stream_index === stream)
    .map((packet) => endOf(packet, frame));
  if (ends.length === 0) throw undecodable();
  return Math.max(...ends);
}

function endOf({ pts_time, dts_time, duration_time }: ProbedPacket, duration: number): number {
  return (pts_time ?? dts_time ?? 0) + (duration_time ?? duration);
}

async function firstFrameTime({ tools, path, maxPixels, signal }: Inspection, size: Size): Promise<number> {
  const request = { size: fitWithin(size, 64) };
  const options = { signal, maxPixels, timeLimit: FIRST_FRAME };
  for await (const { time } of decodeFrames(tools, path, request, options)) return time;
  throw undecodable();
}

function undecodable(): FrameloomError {
  return new FrameloomError(
    'media_truncated',
    'No frame of the video can be decoded: it is cut off or damaged.',
  );
}

function encrypted(): FrameloomError {
  return new FrameloomError('encrypted_media', 'The video is encrypted (DRM).');
}
