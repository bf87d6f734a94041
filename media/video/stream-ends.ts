/** Finds where the streams of a video end: by its last packets, or by all where only they tell. */
import type { ClockPart, InputEdit, VideoInfo } from '../../schema/source.ts';
import { ClockJoiner } from './clock-joiner.ts';
import { readStructure } from './container.ts';
import { type ProbedHeaders, type ProbedStream, type ProbeTarget, parseRatio } from './ffprobe.ts';
import { findJoinedFiles } from './joined-files.ts';
import { PacketStatistics, type StreamPackets } from './packet-statistics.ts';
import { readPackets } from './packets.ts';
import { encrypted, undecodable } from './video-stream.ts';

/** Length of the end of the file in which the last packets are searched. */
const TAIL_SECONDS = 10;
/**
 * Seconds without a packet from which a clock counts as set ahead: in streams for transport, and in files,
 * where a page may be displayed for long.
 */
const MAX_PAUSE_SECONDS = { stream: 300, file: 3600 } as const;
const STREAM_FORMATS = ['mpegts', 'mpeg', 'flv', 'ogg'];
/** A file of hours with fewer bytes a second may have a clock that was set ahead; reading it costs little. */
const SPARSE = { seconds: 2 * 3600, bytesPerSecond: 2000 } as const;
/** Longest estimate of what cannot be read. */
const MAX_UNREAD_SECONDS = 24 * 3600;

export interface StreamEnds {
  /** The displayed packets of the video: of its end, or all of them. */
  readonly video: StreamPackets;
  /** Container time of the end of the sound; negative infinity without sound. */
  readonly audioEnd: number;
  /** Whether all packets were read. */
  readonly whole: boolean;
  /** Where the file is truncated: container time of the end by its headers. */
  readonly statedEnd?: number | undefined;
  /** Seconds of further recordings in the file that ffmpeg cannot read; estimated where it does not state them. */
  readonly unreadSeconds?: number;
  /** Where the file must be read from its beginning. */
  readonly sequential?: NonNullable<VideoInfo['sequential']>;
}

/** Throws `media_truncated` where there is no frame, `encrypted_media`, and what `readPackets` throws. */
export async function readStreamEnds(
  target: ProbeTarget,
  headers: ProbedHeaders,
  stream: ProbedStream,
): Promise<StreamEnds> {
  const structure = await readStructure(target.path, headers.format.format_name);
  const audio = headers.streams.filter(({ codec_type }) => codec_type === 'audio').map(({ index }) => index);
  const tail =
    structure.open || structure.truncated || isSparse(headers)
      ? undefined
      : await readTail(target, headers, stream);
  const { statistics, partial, parts, edits, unreadFrom } =
    tail ?? (await readAll(target, headers, stream, audio));
  if (statistics.encrypted) throw encrypted();
  const video = statistics.of(stream.index);
  if (!video) throw undecodable();
  const isCut = structure.truncated || partial || headers.format.format_name === 'flv';
  return {
    video,
    audioEnd: statistics.endOf(audio),
    whole: tail === undefined,
    ...unreadSeconds(structure.appended ?? { position: unreadFrom }, headers, {
      start: stream.start_time ?? video.start,
      end: video.end,
    }),
    statedEnd: isCut ? statedEnd(headers, stream) : undefined,
    ...(parts.length > 1 || edits.length > 0 || structure.unindexed
      ? { sequential: { parts, ...(edits.length > 0 ? { edits } : {}) } }
      : {}),
  };
}

/** Without a stated duration, the rest of the file counts as long as its bytes would last in the part before. */
function unreadSeconds(
  { position, seconds }: { readonly position?: number | undefined; readonly seconds?: number | undefined },
  { format }: ProbedHeaders,
  { start, end }: Pick<StreamPackets, 'start' | 'end'>,
): Pick<StreamEnds, 'unreadSeconds'> {
  if (position === undefined) return {};
  const share = ((format.size ?? position) - position) / Math.max(position, 1);
  return { unreadSeconds: seconds ?? Math.min(share * Math.max(end - start, 0), MAX_UNREAD_SECONDS) };
}

interface Read {
  readonly statistics: PacketStatistics;
  readonly partial: boolean;
  readonly parts: readonly ClockPart[];
  readonly edits: readonly InputEdit[];
  readonly unreadFrom?: number | undefined;
}

/** Reads the packets of the end by seeking; undefined where that finds no frame. */
async function readTail(
  target: ProbeTarget,
  headers: ProbedHeaders,
  stream: ProbedStream,
): Promise<Read | undefined> {
  const end = endOfVideo(headers, stream);
  if (end === undefined || end <= TAIL_SECONDS) return undefined;
  const statistics = new PacketStatistics();
  const read = await readPackets(target, { from: end - TAIL_SECONDS }, (packet) =>
    statistics.add(packet),
  ).catch((error: unknown) => {
    if (target.signal?.aborted) throw error;
    return undefined;
  });
  // Where bytes are missing, what remains is found by reading it.
  if (!read || read.partial || !statistics.of(stream.index)) return undefined;
  return { statistics, partial: false, parts: [], edits: [] };
}

async function readAll(
  target: ProbeTarget,
  { format }: ProbedHeaders,
  stream: ProbedStream,
  audio: readonly number[],
): Promise<Read> {
  const { edits, unreadFrom } = await findJoinedFiles(target.path, format.format_name);
  const statistics = new PacketStatistics();
  const name = format.format_name;
  const joiner = new ClockJoiner({
    video: stream.index,
    audio,
    hasDecodingTimes: !name.includes('matroska'),
    reordering: stream.has_b_frames ? 16 : 0,
    maxPause: STREAM_FORMATS.includes(name) ? MAX_PAUSE_SECONDS.stream : MAX_PAUSE_SECONDS.file,
    frameSeconds: 1 / (parseRatio(stream.avg_frame_rate) ?? 25),
    onPacket: (packet) => statistics.add(packet),
  });
  const { partial } = await readPackets(target, { edits }, (packet) => joiner.add(packet));
  return { statistics, partial, parts: joiner.end(), edits, unreadFrom };
}

function isSparse({ format: { duration = 0, size } }: ProbedHeaders): boolean {
  return duration > SPARSE.seconds && size !== undefined && size / duration < SPARSE.bytesPerSecond;
}

/** Container time near which the video ends by the headers, where they state it. */
function endOfVideo({ format }: ProbedHeaders, stream: ProbedStream): number | undefined {
  if (stream.duration !== undefined) return (stream.start_time ?? 0) + stream.duration;
  if (format.duration === undefined) return undefined;
  return format.format_name.includes('matroska')
    ? format.duration
    : (format.start_time ?? 0) + format.duration;
}

/** Container time of the end of the video by the headers of a truncated file. */
function statedEnd({ format }: ProbedHeaders, stream: ProbedStream): number | undefined {
  const name = format.format_name;
  // ffmpeg shortens an AVI's duration to what its size allows, but not its count of frames.
  const rate = parseRatio(stream.avg_frame_rate);
  if (name.includes('avi') && rate !== undefined && stream.nb_frames) return stream.nb_frames / rate;
  // The duration of Matroska and FLV counts from time 0, not from the start.
  if (name.includes('matroska') || name === 'flv') return format.duration;
  // Without a count of frames the duration of a fragmented file is a guess of its recorder.
  if (name.includes('mov') && stream.nb_frames && stream.duration !== undefined)
    return (stream.start_time ?? 0) + stream.duration;
  return undefined;
}
