/** Finds out what a video is, and refuses here, before any costly work, what cannot be summarized. */
import { FrameloomError } from '../schema/errors.ts';
import type { VideoInfo } from '../schema/source.ts';
import { decodeFrames } from './decode.ts';
import { inputArgs, mediaFailure } from './ffmpeg.ts';
import type { MediaLimits } from './limits.ts';
import { fitWithin, type Size } from './picture.ts';
import {
  PacketsOutput,
  type ProbedPacket,
  type ProbedStream,
  ProbeOutput,
  parseRatio,
} from './probe-output.ts';
import { type Ending, runProgram } from './process.ts';
import { sniff } from './sniff.ts';
import type { MediaTools } from './tools.ts';

/** Wall-clock limits in milliseconds: for a look at headers and a few frames, and for reading all packets of a long file. */
const QUICK = 60_000;
const WHOLE_FILE = 1_800_000;
/** Length of the tail, in seconds, in which the last packets are looked for. */
const TAIL = 10;
/** A file whose header promises so many seconds more than are there is cut off. Headers are often a little wrong. */
const MISSING = 2;

/** What `probeVideo` finds out: all of VideoInfo that does not come from the bytes themselves. */
export type ProbedVideo = Pick<VideoInfo, 'duration' | 'startOffset' | 'width' | 'height'>;

/**
 * Times and size of a video, from the container and its first and last frames. Throws `empty_source`, `unsupported_media`,
 * `no_video_stream` (audio only, cover pictures only), `media_truncated`, `media_too_large`, `encrypted_media`, `timeout`.
 */
export async function probeVideo(
  tools: MediaTools,
  path: string,
  limits: Pick<MediaLimits, 'maxPixels'>,
  signal?: AbortSignal,
): Promise<ProbedVideo> {
  if ((await sniff(path)) !== 'video') {
    throw new FrameloomError('unsupported_media', 'The file is not a video.');
  }
  const headers = ProbeOutput.parse(
    await ffprobe(tools, path, ['-show_streams', '-show_format'], QUICK, limits, signal),
  );
  const stream = pictureStream(headers.streams);
  const size = uprightSize(stream, limits);
  const startOffset = await firstFrameTime(tools, path, size, limits, signal);
  const declaredEnd =
    endOf(headers.format, headers.format.format_name) ?? endOf(stream, headers.format.format_name);
  const packets = await lastPackets(tools, path, declaredEnd, limits, signal);
  refuseTruncated(packets, headers.format.format_name, declaredEnd);
  const end = shownUntil(packets, 1 / (parseRatio(stream.avg_frame_rate) ?? 25));
  if (end === undefined) throw truncated();
  return { ...size, startOffset, duration: Math.round(Math.max(0, end - startOffset) * 1e6) / 1e6 };
}

async function ffprobe(
  tools: MediaTools,
  path: string,
  show: readonly string[],
  timeLimit: number,
  limits: Pick<MediaLimits, 'maxPixels'>,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  const ending = await runProgram(
    tools.ffprobe,
    [...inputArgs(path, { maxPixels: limits.maxPixels }), ...show, '-of', 'json=compact=1'],
    { signal, timeLimit, maxBytes: 64 * 2 ** 20 },
  );
  if (ending.code !== 0) throw mediaFailure(ending, signal, probeFailure(ending));
  return JSON.parse(ending.stdout);
}

function probeFailure(ending: Ending): FrameloomError {
  return ending.stopped === 'done'
    ? new FrameloomError('media_too_large', 'The video describes itself at too great length.')
    : new FrameloomError('unsupported_media', 'The content is no video that can be read.');
}

/** The stream that ffmpeg's `V:0` takes: the first video that is no cover picture. */
function pictureStream(streams: readonly ProbedStream[]): ProbedStream {
  const stream = streams.find(
    ({ codec_type, disposition }) =>
      codec_type === 'video' && disposition?.attached_pic !== 1 && disposition?.timed_thumbnails !== 1,
  );
  if (!stream) {
    const found = streams.some(({ codec_type }) => codec_type === 'audio') ? 'only sound' : 'no pictures';
    throw new FrameloomError('no_video_stream', `The file has ${found}.`);
  }
  if (/^enc[av]$/.test(stream.codec_tag_string ?? '') || stream.tags?.enc_key_id !== undefined) {
    throw new FrameloomError('encrypted_media', 'The video is encrypted (DRM).');
  }
  if (stream.codec_name === undefined || stream.codec_name === 'unknown') {
    throw new FrameloomError('unsupported_media', 'The video codec is not supported.');
  }
  return stream;
}

/** Size of a frame as a viewer sees it: turned upright, pixels made square by stretching the width. */
function uprightSize(stream: ProbedStream, limits: Pick<MediaLimits, 'maxPixels'>): Size {
  const { width = 0, height = 0 } = stream;
  if (width < 1 || height < 1) throw truncated();
  const square = {
    width: Math.max(1, Math.round(width * (parseRatio(stream.sample_aspect_ratio) ?? 1))),
    height,
  };
  for (const size of [{ width, height }, square]) {
    if (size.width * size.height > limits.maxPixels) {
      throw new FrameloomError(
        'media_too_large',
        `The frames have ${size.width}×${size.height} pixels; the limit is ${limits.maxPixels} in all.`,
      );
    }
  }
  const rotation = stream.side_data_list?.find((data) => data.rotation !== undefined)?.rotation ?? 0;
  const lies = Math.round(rotation / 90) % 2 !== 0;
  return lies ? { width: square.height, height: square.width } : square;
}

async function firstFrameTime(
  tools: MediaTools,
  path: string,
  size: Size,
  limits: Pick<MediaLimits, 'maxPixels'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const options = { signal, maxPixels: limits.maxPixels, timeLimit: QUICK };
  for await (const { time } of decodeFrames(tools, path, { size: fitWithin(size, 64) }, options)) return time;
  throw truncated();
}

/** The packets of the last seconds, or all of them where the end cannot be found by seeking. */
async function lastPackets(
  tools: MediaTools,
  path: string,
  end: number | undefined,
  limits: Pick<MediaLimits, 'maxPixels'>,
  signal: AbortSignal | undefined,
): Promise<readonly ProbedPacket[]> {
  const show = ['-show_entries', 'packet=codec_type,stream_index,pts_time,dts_time,duration_time,flags'];
  if (end !== undefined && end > TAIL) {
    const tail = ['-read_intervals', `${(end - TAIL).toFixed(3)}%`];
    const output = await ffprobe(tools, path, [...show, ...tail], QUICK, limits, signal).catch(
      (error: unknown) => {
        if (signal?.aborted) throw error;
        return {};
      },
    );
    const { packets } = PacketsOutput.parse(output);
    if (packets.some(({ codec_type }) => codec_type === 'video')) return packets;
  }
  return PacketsOutput.parse(await ffprobe(tools, path, show, WHOLE_FILE, limits, signal)).packets;
}

function refuseTruncated(
  packets: readonly ProbedPacket[],
  format: string,
  declaredEnd: number | undefined,
): void {
  if (packets.some(({ flags }) => flags.includes('C'))) throw truncated();
  // Other containers do not say how long they are; ffprobe's figure then comes from what is there.
  if (declaredEnd === undefined || !/mov|matroska|avi/.test(format)) return;
  const present = Math.max(
    ...packets.map(
      ({ pts_time, dts_time, duration_time }) => (pts_time ?? dts_time ?? 0) + (duration_time ?? 0),
    ),
  );
  if (declaredEnd - present > MISSING) {
    throw new FrameloomError(
      'media_truncated',
      `The file says that it lasts until ${declaredEnd.toFixed(1)} s, but ends at ${Math.max(0, present).toFixed(1)} s.`,
    );
  }
}

/** The end of the last video packet that is shown; `frame` seconds stand for a duration that is not given. */
function shownUntil(packets: readonly ProbedPacket[], frame: number): number | undefined {
  const shown = packets.filter(({ codec_type, flags }) => codec_type === 'video' && !flags.includes('D'));
  const index = shown[0]?.stream_index;
  const ends = shown
    .filter(({ stream_index }) => stream_index === index)
    .map(({ pts_time, dts_time, duration_time }) => (pts_time ?? dts_time ?? 0) + (duration_time ?? frame));
  return ends.length === 0 ? undefined : Math.max(...ends);
}

/** Container time at which headers say that it ends. What Matroska calls its duration counts from time 0, not from the start. */
function endOf(
  of: { start_time?: number | undefined; duration?: number | undefined },
  format: string,
): number | undefined {
  if (of.duration === undefined) return undefined;
  return format.includes('matroska') ? of.duration : (of.start_time ?? 0) + of.duration;
}

function truncated(): FrameloomError {
  return new FrameloomError('media_truncated', 'The video is cut off or damaged: no frame can be decoded.');
}
