/**
 * Decodes a part of a video once and yields its candidates: for each the reduced plane on which decisions
 * depend and, on demand, the image. ffmpeg writes the plane of every candidate to one pipe, and to another
 * the image of each candidate that differs from the one before it; the few images that may still be requested
 * wait in memory. An image that was not written, because it shows what the candidate before it showed, is
 * decoded separately.
 */
import { FrameloomError } from '../../core/errors.ts';
import { type MediaTools, type Program, toMediaError } from '../exec/index.ts';
import type { RgbImage, Size } from '../images/index.ts';
import {
  backgroundFilters,
  createPick,
  type DecodeOptions,
  fieldFilters,
  type Grid,
  type ProbedVideo,
  planeFilters,
  rawVideoOutput,
  readTimedFrames,
  selectExpression,
  startDecoder,
  TIME_SLACK,
  TimestampReader,
  verifyChecksum,
  withRunUp,
} from '../video/index.ts';
import { FrameBuffer, PLANE_QUEUE_FRAMES } from './frame-buffer.ts';
import type { CandidateFrame } from './frames.ts';
import { type PipeFormat, pipeFormat } from './pipe-format.ts';
import { planeBytes, planeSize, readPlane } from './plane.ts';

export interface CandidateRequest {
  readonly video: Pick<
    ProbedVideo,
    'width' | 'height' | 'coding' | 'startOffset' | 'lacksTimestamps' | 'videoTrack' | 'sequential'
  >;
  /** Size of the images, in pixels. */
  readonly size: Size;
  /** Container time in seconds; undefined: from the first frame. */
  readonly from: number | undefined;
  /** Container time in seconds. */
  readonly until: number;
  /**
   * In container time: the first frame of each interval is a candidate. Without a grid every decoded frame is
   * one.
   */
  readonly grid?: Grid | undefined;
  /** Container times, ascending, of frames that are candidates in addition to the first of each interval. */
  readonly also?: readonly number[] | undefined;
  /** Frames that are not decoded: those that no other frame refers to, or all but keyframes. */
  readonly skip?: 'noref' | 'nokey' | undefined;
  /** Only keyframes are candidates, whatever is decoded. */
  readonly keysOnly?: boolean;
  /** ffmpeg writes the image of every candidate; an image that does not arrive is not decoded again. */
  readonly writesAll?: boolean;
}

/** Thrown where decoding keyframes alone gives two frames the same time: neither time is reliable then. */
export class AmbiguousTimesError extends Error {
  override readonly name = 'AmbiguousTimesError';
}

/** Candidates whose images stay available: more than any policy looks ahead before it decides. */
const RETAINED_CANDIDATES = 16;

/**
 * ffmpeg's `scene` score from which an image is written: less than one character that changes in 1080 lines,
 * more than a frame that repeats the one before. The score is the smaller of the mean change and of its
 * difference from the change before, so steady motion may score nothing now and then. Some candidates after
 * each that scores are therefore written as well: `further`, or `furtherKeys` of keyframes, between which no motion
 * is steady.
 */
const WRITTEN = { fromScore: 0.00002, further: 4, furtherKeys: 1 } as const;

/**
 * Yields the candidates before container time `until`, in order. The first one is displayed at `from` or
 * earlier. Ending the iteration early ends ffmpeg.
 */
export async function* decodeCandidates(
  tools: MediaTools,
  path: string,
  request: CandidateRequest,
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  const { from = Number.NEGATIVE_INFINITY, grid } = request;
  const isNext = createPick(grid, request.also);
  let last = Number.NEGATIVE_INFINITY;
  for await (const frame of withRunUp(request.video, from, (start) =>
    decodeFrom(tools, path, { ...request, start }, options),
  )) {
    if (frame.pts >= request.until - TIME_SLACK) return;
    if (frame.pts <= last || !isNext(frame.pts)) continue;
    last = frame.pts;
    yield frame;
  }
}

/** Starts the decoder at container time `start`; undefined: at the beginning. */
async function* decodeFrom(
  tools: MediaTools,
  path: string,
  request: CandidateRequest & { readonly start: number | undefined },
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  const { video, skip, start } = request;
  const planes = planeSize(request.size);
  const format = pipeFormat(video, request.size, video.coding);
  const source = { path, video, start, before: skipArgs(skip) };
  const program = startDecoder(
    tools,
    source,
    (stream) => candidateArgs(stream, { planes, format, request }),
    { ...options, furtherOutputs: 2 },
  );
  const timestamps = new TimestampReader(program.secondOutput);
  const buffer = openFrameBuffer(program, timestamps, format.bytes, request.writesAll ?? false);
  const imageAt = async (pts: number): Promise<RgbImage> =>
    (await buffer.take(pts, format.toRgbImage)) ??
    (await decodeImage(tools, path, { ...request, pts }, options));
  const recent: number[] = [];
  const latest = (): number => recent.at(-1) ?? Number.NEGATIVE_INFINITY;
  try {
    for await (const frame of readTimedFrames(program.stdout, timestamps, planeBytes(planes))) {
      options.signal?.throwIfAborted(); // the pipe may still contain frames of a decoder that has ended
      verifyChecksum(frame);
      const { pts, data } = frame;
      if (skip === 'nokey' && pts <= latest() + 2 * TIME_SLACK) throw new AmbiguousTimesError();
      recent.push(pts);
      if (recent.length > RETAINED_CANDIDATES) buffer.drop(recent.shift() ?? 0);
      const time = Math.round((pts - video.startOffset) * 1e6) / 1e6;
      yield { time, pts, plane: readPlane(data, planes), image: () => imageAt(pts) };
    }
    await buffer.close(latest()); // a program counts as ended only once all its output was read
    const exit = await program.exited;
    if (exit.code !== 0) throw toMediaError(exit, options.signal, undecodable());
  } finally {
    await buffer.close(latest()); // images that were written may still be requested
    program.stop();
    await program.exited;
  }
}

/** Decodes the image displayed from container time `pts` separately. */
async function decodeImage(
  tools: MediaTools,
  path: string,
  { video, size, writesAll, pts }: CandidateRequest & { readonly pts: number },
  options: DecodeOptions,
): Promise<RgbImage> {
  if (!writesAll) {
    const request = { video, size, from: pts, until: pts + 2 * TIME_SLACK, writesAll: true };
    for await (const frame of decodeCandidates(tools, path, request, options))
      if (frame.pts >= pts - TIME_SLACK) return await frame.image(); // leaving the loop ends the decoder
  }
  throw new FrameloomError(
    'media_truncated',
    'A frame that was decoded once could not be decoded again. The file may be damaged: encode it again.',
  );
}

function undecodable(): FrameloomError {
  return new FrameloomError(
    'media_truncated',
    'The video cannot be decoded: it is cut off or damaged. Upload it again.',
  );
}

function openFrameBuffer(
  { furtherOutputs: [pixels, times] }: Program,
  planeTimestamps: TimestampReader,
  imageBytes: number,
  writesAll: boolean,
): FrameBuffer {
  if (!pixels || !times) throw new TypeError('a pipe is missing'); // requested from startProgram
  const maxImages = RETAINED_CANDIDATES + 4;
  return new FrameBuffer(pixels, new TimestampReader(times), {
    planeTimestamps,
    imageBytes,
    writesAll,
    maxImages,
  });
}

function candidateArgs(
  stream: string,
  output: { readonly planes: Size; readonly format: PipeFormat; readonly request: CandidateRequest },
): string[] {
  const { planes, format, request } = output;
  const { from, grid, also, until, keysOnly, writesAll, skip } = request;
  const { coding } = request.video;
  // On a grid without `from`: the frames displayed before it are context.
  const picks = [
    `(${selectExpression(grid ? { until, grid, also } : { from, until })})`,
    ...(keysOnly ? ['key'] : []),
  ];
  // Frames that share a time are passed on, so that they are detected.
  const pick = `select='${picks.join('*')}${skip === 'nokey' ? '+lte(t,prev_t)' : ''}',`;
  const changed = `eq(n,0)+gt(scene,${WRITTEN.fromScore.toFixed(6)})`;
  const further = keysOnly || skip === 'nokey' ? WRITTEN.furtherKeys : WRITTEN.further;
  const written = writesAll ? 'null' : `select='st(0,if(${changed},${further + 1},max(0,ld(0)-1)))'`;
  // Microseconds, whatever the container counts in.
  const head = [...fieldFilters(coding), ...backgroundFilters(coding), 'settb=AVTB'].join(',');
  const graph = [
    `[${stream}]${head},${pick}split[a][b]`,
    `[a]${planeFilters(coding, planes).join(',')}[plane]`,
    `[b]${written},${format.filters.join(',')}[picture]`,
  ];
  return [
    ...['-filter_complex', graph.join(';')],
    ...['-map', '[plane]', ...rawVideoOutput(1, 3, PLANE_QUEUE_FRAMES)],
    ...['-map', '[picture]', ...rawVideoOutput(4, 5)],
  ];
}

/**
 * Where the container marks keyframes, other packets are not even passed to the decoder. Frame threads pass
 * each other the state that the next frames need, of which there are none here: slice threads take a third to
 * two thirds of the time for H.264.
 */
function skipArgs(skip: CandidateRequest['skip']): readonly string[] {
  if (skip === undefined) return [];
  const args = ['-skip_frame', skip];
  return skip === 'nokey' ? [...args, '-discard', 'nokey', '-thread_type', 'slice'] : args;
}
