/**
 * Decodes a stretch of video once and yields its candidates: for each the small plane on which is decided and, on demand, the
 * picture. ffmpeg writes the plane of every candidate to one pipe, and to another the picture of each that differs from the
 * one before it; the few pictures that may still be asked for wait in memory. A picture that was not written, which is one
 * that shows what the candidate before it showed, is decoded on its own.
 */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameCoding } from '../../schema/source.ts';
import { type MediaTools, type Program, startProgram, toMediaError } from '../exec/index.ts';
import type { RgbImage, Size } from '../images/index.ts';
import {
  type DecodeOptions,
  decoderInputArgs,
  fieldFilters,
  type Grid,
  gridIndex,
  planeFilters,
  rawVideoOutput,
  readTimedFrames,
  selectExpression,
  TIME_SLACK,
  TimestampReader,
  verifyChecksum,
  withRunUp,
} from '../video/index.ts';
import { FrameBuffer, PLANE_QUEUE } from './frame-buffer.ts';
import { type Plane, planeBytes, planeSize, readPlane } from './plane.ts';
import { type PipeFormat, pipeFormat } from './stored-frame.ts';

export interface CandidateRequest {
  /** Size of the pictures. */
  readonly size: Size;
  /** Size of the frames, upright, in square pixels. */
  readonly full: Size;
  readonly coding: FrameCoding;
  /** Container times; `from` undefined: from the first frame. */
  readonly from: number | undefined;
  readonly until: number;
  /** The first frame of each interval is a candidate; in container time. Without it every frame that is decoded. */
  readonly grid?: Grid | undefined;
  /** Frames that are not even decoded: those no other frame needs, or all but keyframes. */
  readonly skip?: 'noref' | 'nokey' | undefined;
  /** Only keyframes are candidates, whatever is decoded. */
  readonly keysOnly?: boolean;
  /** Every candidate's picture is written; one that does not come is not decoded again. */
  readonly writesAll?: boolean;
}

/** Thrown where `nokey` makes the decoder give two frames one time: then neither has to be right. */
export class TimesLostError extends Error {
  override readonly name = 'TimesLostError';
}

export interface CandidateFrame {
  /** The container's time. */
  readonly time: number;
  readonly plane: Plane;
  /** The picture, until `KEPT_CANDIDATES` more were yielded. */
  image(): Promise<RgbImage>;
}

/** Candidates for which pictures are kept: more than any policy looks ahead before it decides. */
export const KEPT_CANDIDATES = 16;

/**
 * `scene` from which a picture is written: less than one character that changes in 1080 lines, more than a frame that
 * repeats the one before. What ffmpeg calls so is the smaller of the mean change and of how it differs from the change
 * before: steady motion may score nothing now and then, so some candidates after each that scores are written, too: `also`, or
 * `alsoKeys` of keyframes, between which nothing is steady.
 */
const WRITTEN = { from: 0.00002, also: 4, alsoKeys: 1 } as const;

/**
 * The candidates with `time < until`, in order, from somewhere before `from`: the first is shown then or earlier. Abandoning the
 * generator ends ffmpeg.
 */
export async function* decodeCandidates(
  tools: MediaTools,
  path: string,
  request: CandidateRequest,
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  const { from = Number.NEGATIVE_INFINITY, grid } = request;
  let last = Number.NEGATIVE_INFINITY;
  for await (const candidate of withRunUp(from, (start) =>
    decodeFrom(tools, path, start, request, options),
  )) {
    if (candidate.time >= request.until - TIME_SLACK) return;
    const index = grid ? gridIndex(grid, candidate.time) : candidate.time;
    if (index <= last) continue; // a change of frame size makes ffmpeg's filters begin anew
    last = index;
    yield candidate;
  }
}

async function* decodeFrom(
  tools: MediaTools,
  path: string,
  start: number | undefined,
  request: CandidateRequest,
  options: DecodeOptions,
): AsyncGenerator<CandidateFrame> {
  const small = planeSize(request.size);
  const form = pipeFormat(request.full, request.size, request.coding);
  const args = candidateArgs(path, start, small, form, request, options);
  const program = startProgram(tools.ffmpeg, args, { ...options, furtherOutputs: 2 });
  const stamps = new TimestampReader(program.secondOutput);
  const shelf = openShelf(program, stamps, form.bytes, request.writesAll ?? false);
  const pictureAt = async (time: number): Promise<RgbImage> => {
    const picture = await shelf.take(time, form.toRgbImage);
    if (picture) return picture;
    const { size, full, coding } = request;
    const only = { size, full, coding, from: time, until: time + 2 * TIME_SLACK, writesAll: true };
    if (!request.writesAll) {
      for await (const candidate of decodeCandidates(tools, path, only, options))
        if (candidate.time >= time - TIME_SLACK) return await candidate.image(); // leaving the loop ends the decoder
    }
    throw new FrameloomError('media_truncated', 'A frame that was decoded once cannot be decoded again.');
  };
  const times: number[] = [];
  try {
    for await (const frame of readTimedFrames(program.stdout, stamps, planeBytes(small))) {
      options.signal?.throwIfAborted(); // the pipe may still hold frames of a decoder that is gone
      verifyChecksum(frame);
      if (
        request.skip === 'nokey' &&
        frame.time <= (times.at(-1) ?? Number.NEGATIVE_INFINITY) + 2 * TIME_SLACK
      )
        throw new TimesLostError();
      times.push(frame.time);
      if (times.length > KEPT_CANDIDATES) shelf.drop(times.shift() ?? 0);
      yield { time: frame.time, plane: readPlane(frame.data, small), image: () => pictureAt(frame.time) };
    }
    await shelf.close(times.at(-1) ?? Number.NEGATIVE_INFINITY); // a program counts as ended once all it wrote was read
    const ending = await program.exited;
    if (ending.code !== 0) {
      throw toMediaError(
        ending,
        options.signal,
        new FrameloomError('media_truncated', 'The video cannot be decoded: it is cut off or damaged.'),
      );
    }
  } finally {
    await shelf.close(times.at(-1) ?? Number.NEGATIVE_INFINITY); // what was written may still be asked for
    program.stop();
    await program.exited;
  }
}

function openShelf(
  { furtherOutputs: [pixels, times] }: Program,
  planes: TimestampReader,
  bytes: number,
  all: boolean,
): FrameBuffer {
  if (!pixels || !times) throw new TypeError('a pipe is missing'); // asked for above
  return new FrameBuffer(pixels, new TimestampReader(times), {
    planes,
    bytes,
    all,
    most: KEPT_CANDIDATES + 4,
  });
}

function candidateArgs(
  path: string,
  start: number | undefined,
  small: Size,
  form: PipeFormat,
  request: CandidateRequest,
  options: DecodeOptions,
): string[] {
  const { size, from, grid, until, keysOnly, writesAll } = request;
  // Without its `from`, on a grid: what is shown before it is context.
  const picks = [
    `(${selectExpression(grid ? { size, until, grid } : { size, from, until })})`,
    ...(keysOnly ? ['key'] : []),
  ];
  // Frames that share a time are handed over, so that they are noticed.
  const pick = `select='${picks.join('*')}${request.skip === 'nokey' ? '+lte(t,prev_t)' : ''}',`;
  const changed = `eq(n,0)+gt(scene,${WRITTEN.from.toFixed(6)})`;
  const also = keysOnly || request.skip === 'nokey' ? WRITTEN.alsoKeys : WRITTEN.also;
  const written = writesAll ? 'null' : `select='st(0,if(${changed},${also + 1},max(0,ld(0)-1)))'`;
  const { coding } = request;
  const head = [...fieldFilters(coding), 'settb=AVTB'].join(','); // microseconds, whatever the container counts in
  const graph = [
    `[0:V:0]${head},${pick}split[a][b]`,
    `[a]${planeFilters(coding, small).join(',')}[plane]`,
    `[b]${written},${form.filters.join(',')}[picture]`,
  ];
  const skip = request.skip === undefined ? [] : ['-skip_frame', request.skip];
  // Where the container says what is a keyframe, nothing else is even handed to the decoder. Threads that take turns at frames
  // hand each other what the next frames need, of which there are none: without, H.264 takes a third to two thirds of the time.
  if (request.skip === 'nokey') skip.push('-discard', 'nokey', '-thread_type', 'slice');
  return [
    ...decoderInputArgs(path, start, options, skip),
    ...['-filter_complex', graph.join(';')],
    ...['-map', '[plane]', ...rawVideoOutput(1, 3, PLANE_QUEUE)],
    ...['-map', '[picture]', ...rawVideoOutput(4, 5)],
  ];
}
