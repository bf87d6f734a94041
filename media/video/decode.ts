/**
 * Decodes the frames of a video that begin an interval of a grid, with the time at which each is shown. Each picture's time
 * comes from the packet that carries its pixels: ffmpeg's `tee` muxer hands one packet to two writers, `rawvideo` (the
 * pixels) and `framecrc` (time and checksum), and the checksum must fit. Nothing is counted, nothing is written to disk.
 */
import { availableParallelism } from 'node:os';
import type { Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';
import type { FrameCoding } from '../../schema/source.ts';
import { inputArgs, type MediaTools, type Program, startProgram, toMediaError } from '../exec/index.ts';
import type { RgbImage, Size } from '../images/index.ts';
import { fieldFilters, PLAIN, rgbFilters } from './frame-filters.ts';
import { type FrameTimestamp, TimestampReader } from './timestamp-reader.ts';

/** A decoded frame; `time` is the container's, in seconds, to the microsecond. */
export interface DecodedFrame {
  readonly time: number;
  readonly image: RgbImage;
}

/** Points `origin + k * interval`, in seconds. */
export interface Grid {
  readonly origin: number;
  readonly interval: number;
}

export interface DecodeRequest {
  /** Size of the pictures, whatever the size of the frames. */
  readonly size: Size;
  /** Container time from which frames are wanted; undefined: from the first one. */
  readonly from?: number | undefined;
  /** Container time at which to stop. */
  readonly until?: number | undefined;
  /** In container time. Without it every frame is wanted. */
  readonly grid?: Grid | undefined;
  /** How the frames are stored, from `probeVideo`. Default: upright, in plain colours, progressive. */
  readonly coding?: FrameCoding | undefined;
}

export interface DecodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly maxPixels: number;
  /** Wall-clock limit in milliseconds; as much processor time, over all threads, is allowed as well. */
  readonly timeLimitMs: number;
}

/** Slack of all comparisons of times, in seconds: no time, being whole microseconds, lies just this far from another. */
export const TIME_SLACK = 1.5e-6;

/** Number of the grid interval that `time` lies in. */
export function gridIndex(grid: Grid, time: number): number {
  return Math.floor((time - grid.origin + TIME_SLACK) / grid.interval);
}

/**
 * How far before `from` the decoder starts, in seconds, tried in turn. Containers without an index (MPEG-TS, live WebM) may
 * put a seek behind the keyframe that was needed; then the first frame comes too late, and it is tried again from further off.
 */
const RUN_UPS = [1, 15, 120] as const;

/**
 * Yields, in order, the first frame of each grid interval with `from <= time < until`. Abandoning the generator ends ffmpeg.
 * Throws `media_truncated` where the video cannot be decoded, `media_too_large`, `timeout`, or the reason of the signal.
 */
export async function* decodeFrames(
  tools: MediaTools,
  path: string,
  request: DecodeRequest,
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, grid } = request;
  let last = Number.NEGATIVE_INFINITY;
  for await (const frame of withRunUp(from, (start) => decodeFrom(tools, path, start, request, options))) {
    if (frame.time >= until - TIME_SLACK) return;
    if (frame.time < from - TIME_SLACK) continue;
    const index = grid ? gridIndex(grid, frame.time) : Number.POSITIVE_INFINITY;
    if (grid && index <= last) continue; // a change of frame size makes ffmpeg's filters begin anew
    last = index;
    yield frame;
  }
}

/**
 * All frames of the first start far enough before container time `from`: the first one given is shown then or earlier, or is
 * the first of all.
 */
export async function* withRunUp<T extends { readonly time: number }>(
  from: number,
  open: (start: number | undefined) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const starts = RUN_UPS.map((runUp) => from - runUp).filter((start) => start > 0);
  for (const start of [...starts, undefined]) {
    let landed = start === undefined; // once a frame was seen before which none is wanted
    for await (const frame of open(start)) {
      if (!landed && frame.time > from + TIME_SLACK) break;
      landed = true;
      yield frame;
    }
    if (landed) return;
  }
}

/** The frames ffmpeg selects when it starts at container time `start`: the very first one, and those asked for. */
async function* decodeFrom(
  tools: MediaTools,
  path: string,
  start: number | undefined,
  request: DecodeRequest,
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const program = startProgram(tools.ffmpeg, decodeArgs(path, start, request, options), options);
  try {
    for await (const frame of pairedFrames(program, request.size)) {
      options.signal?.throwIfAborted(); // the pipe may still hold frames of a decoder that is gone
      yield frame;
    }
    const ending = await program.exited;
    if (ending.code !== 0) {
      throw toMediaError(
        ending,
        options.signal,
        new FrameloomError('media_truncated', 'The video cannot be decoded: it is cut off or damaged.'),
      );
    }
  } finally {
    program.stop();
    await program.exited;
  }
}

function decodeArgs(
  path: string,
  start: number | undefined,
  request: DecodeRequest,
  options: DecodeOptions,
): string[] {
  const { size, coding = PLAIN } = request;
  const filters = [
    ...fieldFilters(coding),
    'settb=AVTB', // microseconds, whatever the container counts in
    `select='${selectExpression(request)}'`,
    ...rgbFilters(coding, size),
  ];
  return [
    ...decoderInputArgs(path, start, options),
    ...['-map', '0:V:0', '-an', '-sn', '-dn', '-vf', filters.join(',')],
    ...rawVideoOutput(1, 3),
  ];
}

/**
 * Most threads of one decoder. Each holds frames of its own, and several spans are decoded at once: machines with many cores
 * gain nothing from more. Below, ffmpeg chooses.
 */
const MAX_THREADS = 8;

function threadArgs(): readonly string[] {
  return availableParallelism() > MAX_THREADS ? ['-threads', String(MAX_THREADS)] : [];
}

/** Arguments up to the input, read from container time `start`; `before` are further options of the decoder. */
export function decoderInputArgs(
  path: string,
  start: number | undefined,
  options: Pick<DecodeOptions, 'maxPixels' | 'timeLimitMs'>,
  before: readonly string[] = [],
): string[] {
  // With -copyts all times are the container's. Seeking is not "accurate": that would trim by a start time of ffmpeg's own.
  const seek = start === undefined ? [] : ['-seek_timestamp', '1', '-ss', start.toFixed(6)];
  return [
    ...['-nostdin', '-copyts', '-noaccurate_seek', '-noautorotate'],
    ...['-timelimit', String(Math.ceil(options.timeLimitMs / 1000))],
    ...inputArgs(path, { maxPixels: options.maxPixels, seek: [...threadArgs(), ...before, ...seek] }),
  ];
}

/** Pictures that wait in ffmpeg for whoever reads them. */
const QUEUE = 8;

/**
 * An output of raw pictures to one pipe, and of their times and checksums to another. A thread of its own writes the pictures,
 * of which `queue` may wait: else the decoder's threads stand still while this process is busy, since a pipe holds less than
 * one picture. The times come at once.
 */
export function rawVideoOutput(pixels: number, stamps: number, queue = QUEUE): string[] {
  return [
    // passthrough and an own time base: else frames are doubled, dropped and rounded to a constant rate.
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:1000000', '-avoid_negative_ts', 'disabled'],
    ...['-c:v', 'rawvideo', '-f', 'tee'],
    `[f=rawvideo:flush_packets=1:use_fifo=1:fifo_options=queue_size=${queue}]pipe\\:${pixels}|[f=framecrc:flush_packets=1:avoid_negative_ts=disabled]pipe\\:${stamps}`,
  ];
}

/** The `select` expression: the first frame decoded, the first of each grid interval or all, the first behind the end. */
export function selectExpression({ from, until, grid }: DecodeRequest): string {
  const index = (time: string, { origin, interval }: Grid): string =>
    `floor((${time}-(${origin})+${TIME_SLACK.toFixed(7)})/${interval})`;
  const begun = from === undefined ? '1' : `gte(t,${(from - TIME_SLACK).toFixed(7)})`;
  const over = until === undefined ? '0' : `gte(t,${(until - TIME_SLACK).toFixed(7)})`;
  const wanted = grid === undefined ? '1' : `gt(${index('t', grid)},${index('prev_selected_t', grid)})`;
  return `isnan(prev_selected_t)+${over}+${begun}*${wanted}`;
}

async function* pairedFrames(program: Program, size: Size): AsyncGenerator<DecodedFrame> {
  for await (const frame of readTimedFrames(
    program.stdout,
    new TimestampReader(program.secondOutput),
    size.width * size.height * 3,
  )) {
    verifyChecksum(frame);
    yield { time: frame.time, image: { data: frame.data, ...size } };
  }
}

/** The pixels of a frame and what was written of them beside. */
export interface TimedBytes extends FrameTimestamp {
  readonly data: Buffer;
}

/** Throws unless the time of `frame` was written for these pixels. */
export function verifyChecksum({ data, bytes, checksum }: TimedBytes): void {
  if (bytes !== data.length || checksum !== adler32(data)) {
    throw new FrameloomError('internal', 'A decoded picture does not match its time.');
  }
}

/** The pictures of a `rawOutput`, of `bytes` each, with their times, not checked yet. */
export async function* readTimedFrames(
  pixels: Readable,
  stamps: TimestampReader,
  bytes: number,
): AsyncGenerator<TimedBytes> {
  for await (const data of readRawFrames(pixels, bytes)) {
    await stamps.some();
    const stamp = stamps.take();
    if (!stamp) return; // stopped between the two writes
    yield { ...stamp, data };
  }
}

/** The pictures of a `rawOutput`, of `bytes` each. Buffers in `spare` are used again. */
export async function* readRawFrames(
  stream: Readable,
  bytes: number,
  spare: Buffer[] = [],
): AsyncGenerator<Buffer> {
  let picture = spare.pop() ?? Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const value of stream) {
    const chunk: Buffer = value;
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(picture, filled, at);
      at += copied;
      filled += copied;
      if (filled < bytes) continue;
      yield picture;
      picture = spare.pop() ?? Buffer.allocUnsafe(bytes); // the yielded one is the receiver's
      filled = 0;
    }
  }
}

/** Adler-32 as framecrc computes it, which starts at 0 where RFC 1950 starts at 1. */
function adler32(data: Buffer): number {
  let a = 0;
  let b = 0;
  for (let at = 0; at < data.length; ) {
    const end = Math.min(at + 3600, data.length); // so long the sums stay below 2^31, which V8 adds as integers
    for (; at < end; at++) {
      a = (a + (data[at] ?? 0)) | 0;
      b = (b + a) | 0;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return ((b << 16) | a) >>> 0;
}
