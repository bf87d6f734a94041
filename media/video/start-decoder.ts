/**
 * Starts ffmpeg on one stream of a video, from about a given time on. All times are on the clock of
 * `probeVideo`: the container's, or the one on which the parts of the file follow each other.
 *
 * A file whose clock changes, or in which times after a seek are estimates, is read from its beginning by a
 * first ffmpeg, which copies packets without decoding them, corrects their times by their position in the
 * file, and passes those from the first keyframe after the start to the decoder. That costs reading, not
 * decoding.
 */
import { availableParallelism } from 'node:os';
import type { ClockPart, FrameCoding, VideoInfo } from '../../schema/source.ts';
import {
  inputArgs,
  type MediaTools,
  type Program,
  type ProgramOptions,
  pipeInputArgs,
  startProgram,
} from '../exec/index.ts';
import { readEdited } from './joined-files.ts';

/** Which stream of a video is read, and how; from `probeVideo`. */
export type ReadableVideo = Pick<VideoInfo, 'videoTrack' | 'sequential'> & {
  readonly coding?: Pick<FrameCoding, 'decoder'>;
};

export interface DecoderSource {
  readonly path: string;
  readonly video: ReadableVideo;
  /** Number of the stream. Default: that of the video. */
  readonly track?: number;
  /** Time in seconds; undefined: the beginning. */
  readonly start: number | undefined;
  /** Further options of the decoder. */
  readonly before?: readonly string[];
}

export interface DecodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxPixels: number;
  /** Wall-clock limit in milliseconds, and limit of processor time over all threads. */
  readonly timeLimitMs: number;
}

/**
 * Starts ffmpeg. `outputArgs` returns the arguments after the input, for the stream with the given specifier.
 */
export function startDecoder(
  tools: MediaTools,
  source: DecoderSource,
  outputArgs: (stream: string) => readonly string[],
  options: DecodeOptions & Pick<ProgramOptions, 'furtherOutputs'>,
): Program {
  const { path, video, track = video.videoTrack, start } = source;
  const decoder = track === video.videoTrack ? video.coding?.decoder : undefined;
  const before = [...(decoder === undefined ? [] : ['-c:v', decoder]), ...(source.before ?? [])];
  const { maxPixels } = options;
  const common = [
    // With -copyts all times are the container's. Seeking is not "accurate": that would trim by a start time of
    // ffmpeg's own.
    ...['-nostdin', '-copyts', '-noaccurate_seek', '-noautorotate'],
    ...['-timelimit', String(Math.ceil(options.timeLimitMs / 1000))],
  ];
  if (!video.sequential) {
    const seek = start === undefined ? [] : ['-seek_timestamp', '1', '-ss', start.toFixed(6)];
    const input = inputArgs(path, { maxPixels, seek: [...threadArgs(), ...before, ...seek] });
    return startProgram(tools.ffmpeg, [...common, ...input, ...outputArgs(`0:${track}`)], options);
  }
  const { parts, edits = [] } = video.sequential;
  const piped = edits.length > 0;
  const copy = [
    ...['-nostdin', '-copyts'],
    ...inputArgs(path, { maxPixels, piped, seek: ['-fflags', '+genpts'] }),
    ...['-map', `0:${track}`, '-c', 'copy', '-r', String(PIPE_TICKS), '-bsf', packetFilters(parts, start)],
    ...['-avoid_negative_ts', 'disabled', '-f', 'nut', '-write_index', '0', 'pipe:1'],
  ];
  const { signal, timeLimitMs } = options;
  const input = piped ? { input: readEdited(path, edits) } : {};
  const copier = startProgram(tools.ffmpeg, copy, { signal, timeLimitMs, ...input });
  copier.secondOutput.resume();
  const seek = ['-itsoffset', String(-PIPE_OFFSET_SECONDS), ...threadArgs(), ...before];
  const reader = startProgram(
    tools.ffmpeg,
    [...common, ...pipeInputArgs({ maxPixels, seek }), ...outputArgs('0:0')],
    { ...options, input: copier.stdout },
  );
  return chained(copier, reader);
}

/**
 * Ticks a second in the pipe: a multiple of the common clocks. Versions of ffmpeg before 6 count bitstream
 * filters in another unit than the one they report if NUT has to choose the unit itself.
 */
const PIPE_TICKS = 2_880_000;
/** NUT has no negative times: they are moved by this much in the pipe between the two programs. */
const PIPE_OFFSET_SECONDS = 1000;

/**
 * Bitstream filters that correct the times of packets and drop those before the first keyframe from `start`.
 * Times within a part count from its first packet: ffmpeg itself corrects some changes of a clock.
 */
function packetFilters(parts: readonly ClockPart[], start: number | undefined): string {
  const later = parts.slice(1);
  const number = later.map(({ position }) => `+gte(ld(0),${position})`).join('');
  const begins = later.map((part, index) => {
    const added = beginOf(part) - (index === 0 ? 0 : beginOf(parts[index]));
    return `+gt(ld(1),${index})*(${added.toFixed(6)})`;
  });
  const moved = [
    'st(0,if(isnan(POS),ld(0),POS))', // a packet without a position belongs to the part of the one before
    `if(gt(0${number},ld(1)),st(1,0${number});st(2,PTS))`,
    `PTS-ld(2)+(${PIPE_OFFSET_SECONDS}${begins.join('')})/TB`,
  ];
  // NUT stores no decoding times, but requires that they grow. Those of the file may overlap at a join.
  const times = `setts=pts='${moved.join(';')}':dts=N`;
  if (start === undefined) return times;
  const from = (start + PIPE_OFFSET_SECONDS).toFixed(6);
  return `${times},noise=drop='st(0,max(ld(0),key*gte(pts*tb,${from})));not(ld(0))'`;
}

export interface PartSource {
  readonly path: string;
  readonly sequential: NonNullable<VideoInfo['sequential']>;
  /** Number of the stream. */
  readonly track: number;
  /** Number of the part. */
  readonly part: number;
}

/** Starts ffmpeg on one stream of one part of a joined recording, whose times count from its first packet. */
export function startPartDecoder(
  tools: MediaTools,
  { path, sequential: { parts, edits = [] }, track, part }: PartSource,
  outputArgs: readonly string[],
  { maxPixels, signal, timeLimitMs }: DecodeOptions,
): Program {
  const piped = edits.length > 0;
  const start = part === 0 ? undefined : parts[part]?.position;
  const end = parts[part + 1]?.position;
  const outside = [
    ...(start === undefined ? [] : [`lt(pos,${start})`]),
    ...(end === undefined ? [] : [`gte(pos,${end})`]),
  ];
  const filter = outside.length === 0 ? [] : ['-bsf', `noise=drop='${outside.join('+')}'`];
  const copy = [
    ...['-nostdin', '-copyts', ...inputArgs(path, { maxPixels, piped, seek: ['-fflags', '+genpts'] })],
    ...['-map', `0:${track}`, '-c', 'copy', ...filter, '-f', 'nut', '-write_index', '0', 'pipe:1'],
  ];
  const limits = { signal, timeLimitMs };
  const input = piped ? { input: readEdited(path, edits) } : {};
  const copier = startProgram(tools.ffmpeg, copy, { ...limits, ...input });
  copier.secondOutput.resume();
  const args = ['-nostdin', ...pipeInputArgs({ maxPixels }), '-map', '0:0', ...outputArgs];
  return chained(copier, startProgram(tools.ffmpeg, args, { ...limits, input: copier.stdout }));
}

/** A bitstream filter that corrects the times of cues: unlike frames, they do not begin with their part. */
export function cueFilter(parts: readonly ClockPart[]): string {
  const shifts = parts.slice(1).map(({ position, shift }, index) => {
    const added = shift - (parts[index]?.shift ?? 0);
    return `+gte(ld(0),${position})*(${added.toFixed(6)})`;
  });
  return `setts=ts='st(0,if(isnan(POS),ld(0),POS));PTS+(0${shifts.join('')})/TB'`;
}

/** Time of the first frame of a part, on the continuous clock. */
function beginOf(part: ClockPart | undefined): number {
  return part === undefined ? 0 : part.start + part.shift;
}

/** The second program as one that ends together with the first, on whose output it depends. */
function chained(first: Program, second: Program): Program {
  const exited = second.exited
    .finally(() => first.stop())
    .then(async (ending) => {
      const source = await first.exited;
      const failed = source.stopped !== 'done' && source.code !== 0;
      return failed && ending.stopped === undefined ? source : ending;
    });
  exited.catch(() => undefined); // a caller that stops early need not await it
  return {
    ...second,
    exited,
    stop: () => {
      second.stop();
      first.stop();
    },
  };
}

/**
 * Most threads of one decoder. Each buffers frames of its own, and several spans are decoded at once:
 * machines with many cores gain nothing from more. With fewer cores ffmpeg chooses.
 */
const MAX_THREADS = 8;

function threadArgs(): readonly string[] {
  return availableParallelism() > MAX_THREADS ? ['-threads', String(MAX_THREADS)] : [];
}
