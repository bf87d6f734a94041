/**
 * Decodes the frames of a video that begin an interval of a grid, with their presentation times. The time of
 * each image comes from the packet that contains its pixels: ffmpeg's `tee` muxer passes one packet to two
 * writers, `rawvideo` (the pixels) and `framecrc` (time and checksum), and the checksum must match. Frames
 * are not counted; nothing is written to disk.
 */
import type { Readable } from 'node:stream';
import { FrameloomError } from '../../core/errors.ts';
import type { FrameCoding } from '../../schema/source.ts';
import { type MediaTools, type Program, toMediaError } from '../exec/index.ts';
import type { RgbImage, Size } from '../images/index.ts';
import { backgroundFilters, fieldFilters, PLAIN_CODING, rgbFilters } from './frame-filters.ts';
import { type DecodeOptions, type ReadableVideo, startDecoder } from './start-decoder.ts';
import { type FrameTimestamp, TimestampReader } from './timestamp-reader.ts';

export interface DecodedFrame {
  /** Presentation time on the container's clock, in seconds, to the microsecond. */
  readonly pts: number;
  readonly image: RgbImage;
}

/** Points `origin + k * interval`, in seconds. */
export interface Grid {
  readonly origin: number;
  readonly interval: number;
}

export interface DecodeRequest {
  /** Which stream is read, and how. */
  readonly video: ReadableVideo;
  /** Size of the images, whatever the size of the frames. */
  readonly size: Size;
  /** Container time of the first frame, in seconds; undefined: from the beginning. */
  readonly from?: number | undefined;
  /** Container time of the end, in seconds, excluded. */
  readonly until?: number | undefined;
  /** In container time. Without a grid every frame is decoded. */
  readonly grid?: Grid | undefined;
  /** Container times, ascending, of frames that are decoded in addition to the first of each grid interval. */
  readonly also?: readonly number[] | undefined;
  /** How the frames are stored, from `probeVideo`. Default: upright, standard dynamic range, progressive. */
  readonly coding?: FrameCoding | undefined;
}

/**
 * Tolerance of all comparisons of times, in seconds. Times are whole microseconds, so none lies exactly this
 * far from another.
 */
export const TIME_SLACK = 1.5e-6;

/** Two times of one frame, read from its packet and from the decoder, differ by less than this, in seconds. */
const SAME_FRAME_SECONDS = 1e-4;

/** Number of the grid interval that contains `time`. */
export function gridIndex(grid: Grid, time: number): number {
  return Math.floor((time - grid.origin + TIME_SLACK) / grid.interval);
}

/**
 * How far before `from` the decoder starts, in seconds, tried in turn. In containers without an index
 * (MPEG-TS, live WebM) a seek may end after the keyframe that was needed. The first frame comes too late
 * then, and the decoder starts earlier. Where packets are read from the beginning of the file, decoding
 * begins with the first keyframe after the start.
 */
const RUN_UPS_SECONDS = { seeking: [1, 15, 120], sequential: [12, 120] } as const;

/**
 * Yields, in order, the first frame of each grid interval with `from <= pts < until`. Ending the iteration
 * early ends ffmpeg.
 *
 * @throws FrameloomError `media_truncated` where the video cannot be decoded, `media_too_large`, `timeout`;
 *   or the reason of the signal
 */
export async function* decodeFrames(
  tools: MediaTools,
  path: string,
  request: DecodeRequest,
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const { from = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY, grid } = request;
  const isNext = createPick(grid, request.also);
  for await (const frame of withRunUp(request.video, from, (start) =>
    decodeFrom(tools, path, { ...request, start }, options),
  )) {
    if (frame.pts >= until - TIME_SLACK) return;
    if (frame.pts >= from - TIME_SLACK && isNext(frame.pts)) yield frame;
  }
}

/**
 * Returns a test of whether the frame displayed from container time `pts` is one of those requested, to be
 * called in order: a change of frame size restarts ffmpeg's filters, which then select a frame too many.
 */
export function createPick(grid: Grid | undefined, also: readonly number[] = []): (pts: number) => boolean {
  if (!grid) return () => true;
  let last = Number.NEGATIVE_INFINITY;
  let next = 0; // index into `also`
  return (pts) => {
    while ((also[next] ?? Number.POSITIVE_INFINITY) < pts - SAME_FRAME_SECONDS) next++;
    const index = gridIndex(grid, pts);
    const isPicked = index > last || Math.abs((also[next] ?? Number.NaN) - pts) < SAME_FRAME_SECONDS;
    if (isPicked) last = index;
    return isPicked;
  };
}

/**
 * Starts the decoder far enough before container time `from` and yields all frames from there: the first one
 * is displayed at `from` or earlier, or is the first of the video.
 */
export async function* withRunUp<T extends { readonly pts: number }>(
  video: ReadableVideo,
  from: number,
  open: (start: number | undefined) => AsyncGenerator<T>,
): AsyncGenerator<T> {
  const runUps: readonly number[] = RUN_UPS_SECONDS[video.sequential ? 'sequential' : 'seeking'];
  const starts = runUps.map((runUp) => from - runUp).filter((start) => start > 0);
  for (const start of [...starts, undefined]) {
    let reached = start === undefined; // whether a frame at or before `from` was decoded
    for await (const frame of open(start)) {
      if (!reached && frame.pts > from + TIME_SLACK) break;
      reached = true;
      yield frame;
    }
    if (reached) return;
  }
}

/**
 * Yields the frames that ffmpeg selects when it starts at container time `start`: the very first one and
 * those requested.
 */
async function* decodeFrom(
  tools: MediaTools,
  path: string,
  request: DecodeRequest & { readonly start: number | undefined },
  options: DecodeOptions,
): AsyncGenerator<DecodedFrame> {
  const source = { path, video: request.video, start: request.start };
  const program = startDecoder(tools, source, (stream) => decodeArgs(stream, request), options);
  try {
    for await (const frame of pairedFrames(program, request.size)) {
      options.signal?.throwIfAborted(); // the pipe may still contain frames of a decoder that has ended
      yield frame;
    }
    const ending = await program.exited;
    if (ending.code !== 0) {
      throw toMediaError(
        ending,
        options.signal,
        new FrameloomError(
          'media_truncated',
          'The video cannot be decoded: it is cut off or damaged. Upload it again.',
        ),
      );
    }
  } finally {
    program.stop();
    await program.exited;
  }
}

function decodeArgs(stream: string, request: DecodeRequest): string[] {
  const { size, coding = PLAIN_CODING } = request;
  const filters = [
    ...fieldFilters(coding),
    ...backgroundFilters(coding),
    'settb=AVTB', // microseconds, whatever the container counts in
    `select='${selectExpression(request)}'`,
    ...rgbFilters(coding, size),
  ];
  return [...['-map', stream, '-an', '-sn', '-dn', '-vf', filters.join(',')], ...rawVideoOutput(1, 3)];
}

/** Images that queue in ffmpeg until they are read. */
const QUEUE_FRAMES = 8;

/**
 * Arguments for an output of raw images to one pipe, and of their times and checksums to another. A separate
 * thread of ffmpeg writes the images, of which `queue` may wait: a pipe buffers less than one image, so the
 * decoder's threads would otherwise stop while this process is busy. The times are written at once.
 */
export function rawVideoOutput(pixels: number, timestamps: number, queue = QUEUE_FRAMES): string[] {
  return [
    // Without passthrough and this time base ffmpeg duplicates and drops frames and rounds times to a
    // constant rate.
    ...['-fps_mode', 'passthrough', '-enc_time_base', '1:1000000', '-avoid_negative_ts', 'disabled'],
    ...['-c:v', 'rawvideo', '-f', 'tee'],
    `[f=rawvideo:flush_packets=1:use_fifo=1:fifo_options=queue_size=${queue}]pipe\\:${pixels}|[f=framecrc:flush_packets=1:avoid_negative_ts=disabled]pipe\\:${timestamps}`,
  ];
}

/**
 * The `select` expression: the first frame decoded, the first of each grid interval or all, the first after
 * the end.
 */
export function selectExpression({
  from,
  until,
  grid,
  also = [],
}: Pick<DecodeRequest, 'from' | 'until' | 'grid' | 'also'>): string {
  const index = (time: string, { origin, interval }: Grid): string =>
    `floor((${time}-(${origin})+${TIME_SLACK.toFixed(7)})/${interval})`;
  const begun = from === undefined ? '1' : `gte(t,${(from - TIME_SLACK).toFixed(7)})`;
  const over = until === undefined ? '0' : `gte(t,${(until - TIME_SLACK).toFixed(7)})`;
  const wanted = grid === undefined ? '1' : `gt(${index('t', grid)},${index('prev_selected_t', grid)})`;
  return `isnan(prev_selected_t)+${over}+${begun}*(${wanted}+${isOneOf(also)})`;
}

/** Whether `t` is one of `times`, as an expression of ffmpeg: a binary search. */
function isOneOf(times: readonly number[]): string {
  const middle = times.length >> 1;
  const [time] = times.slice(middle);
  if (time === undefined) return '0';
  if (times.length === 1) return `lt(abs(t-${time.toFixed(6)}),${SAME_FRAME_SECONDS.toFixed(6)})`;
  const [before, after] = [times.slice(0, middle), times.slice(middle)];
  return `if(lt(t,${(time - SAME_FRAME_SECONDS).toFixed(6)}),${isOneOf(before)},${isOneOf(after)})`;
}

async function* pairedFrames(program: Program, size: Size): AsyncGenerator<DecodedFrame> {
  for await (const frame of readTimedFrames(
    program.stdout,
    new TimestampReader(program.secondOutput),
    size.width * size.height * 3,
  )) {
    verifyChecksum(frame);
    yield { pts: frame.pts, image: { data: frame.data, ...size } };
  }
}

/** The pixels of a frame with its timestamp. */
export interface TimedBytes extends FrameTimestamp {
  readonly data: Buffer;
}

/** Throws `internal` unless the timestamp of `frame` was written for these pixels. */
export function verifyChecksum({ data, bytes, checksum }: TimedBytes): void {
  if (bytes !== data.length || checksum !== adler32(data)) {
    throw new FrameloomError(
      'internal',
      'A decoded image does not match its timestamp. Check the version of ffmpeg with `frameloom doctor`.',
    );
  }
}

/**
 * Yields the images of a `rawVideoOutput`, of `bytes` each, with their timestamps. Checksums are not verified
 * here.
 */
export async function* readTimedFrames(
  pixels: Readable,
  timestamps: TimestampReader,
  bytes: number,
): AsyncGenerator<TimedBytes> {
  for await (const data of readRawFrames(pixels, bytes)) {
    await timestamps.ready();
    const timestamp = timestamps.take();
    if (!timestamp) return; // ffmpeg ended between its two writes
    yield { ...timestamp, data };
  }
}

/** Yields the images of a `rawVideoOutput`, of `bytes` each. Buffers in `spare` are reused. */
export async function* readRawFrames(
  stream: Readable,
  bytes: number,
  spare: Buffer[] = [],
): AsyncGenerator<Buffer> {
  let image = spare.pop() ?? Buffer.allocUnsafe(bytes);
  let filled = 0;
  for await (const value of stream) {
    const chunk: Buffer = value;
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(image, filled, at);
      at += copied;
      filled += copied;
      if (filled < bytes) continue;
      yield image;
      image = spare.pop() ?? Buffer.allocUnsafe(bytes); // the yielded one belongs to the receiver
      filled = 0;
    }
  }
}

/** Adler-32 as framecrc computes it, which starts at 0 where RFC 1950 starts at 1. */
function adler32(data: Buffer): number {
  let a = 0;
  let b = 0;
  for (let at = 0; at < data.length; ) {
    // Within this length sums stay below 2^31, which V8 adds as integers.
    const end = Math.min(at + 3600, data.length);
    for (; at < end; at++) {
      a = (a + (data[at] ?? 0)) | 0;
      b = (b + a) | 0;
    }
    a %= 65_521;
    b %= 65_521;
  }
  return ((b << 16) | a) >>> 0;
}
