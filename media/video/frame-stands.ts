/**
 * Finds the frames that stay on display, such as a slide that is a single frame, from the times of a video's
 * packets: nothing is decoded, except where packets have no presentation times.
 */
import { type MediaTools, toMediaError } from '../exec/index.ts';
import { TIME_SLACK, withRunUp } from './decode.ts';
import { type DecodeOptions, type ReadableVideo, startDecoder } from './start-decoder.ts';
import { undecodable } from './video-stream.ts';

/** A frame displayed for longer than this, in seconds, stands. */
const STAND_SECONDS = 0.2;
/** Frames that a decoder may have to hold back until they are in order (H.264 and HEVC: 16). */
const MAX_REORDERED = 32;

/** What ffmpeg writes for a missing time. */
const NO_TIME = -(2 ** 63);

/** A frame that stands: container times in seconds. */
export interface Stand {
  /** When the frame before it appears; undefined for the first frame that was read. */
  readonly before: number | undefined;
  /** When it appears. */
  readonly start: number;
  /** When the next frame appears; infinity for the last frame, which is always among them. */
  readonly end: number;
}

export interface StandsRequest {
  /** Which stream is read, and how. */
  readonly video: ReadableVideo;
  /**
   * Where the times come from: `frames` are decoded, which is needed for exact times where packets lack
   * presentation times. `packets` have decoding times then.
   */
  readonly by: 'packets' | 'frames';
  /** Container time in seconds; undefined: from the beginning. */
  readonly from?: number | undefined;
  /** Container time in seconds. Frames that appear from then on are not examined. */
  readonly until: number;
}

/**
 * Yields the frames that stand, in order, from the one displayed at `from`. Ending the iteration early ends
 * ffmpeg.
 *
 * @throws FrameloomError `media_truncated`, `media_too_large`, `timeout`; or the reason of the signal
 */
export async function* findStands(
  tools: MediaTools,
  path: string,
  request: StandsRequest,
  options: DecodeOptions,
): AsyncGenerator<Stand> {
  const { from = Number.NEGATIVE_INFINITY, until } = request;
  let before: number | undefined;
  let last: number | undefined;
  for await (const { pts } of withRunUp(request.video, from, (start) =>
    frameTimes(tools, path, start, request, options),
  )) {
    if (last !== undefined) {
      if (pts <= last) continue;
      if (pts - last > STAND_SECONDS + TIME_SLACK) yield { before, start: last, end: pts };
    }
    before = last;
    last = pts;
    if (pts >= until - TIME_SLACK) return;
  }
  if (last !== undefined) yield { before, start: last, end: Number.POSITIVE_INFINITY };
}

/**
 * Returns the time, in seconds from the first displayed frame, before which no frame appears that stands.
 *
 * @throws FrameloomError as `findStands`
 */
export async function findDenseUntil(
  tools: MediaTools,
  path: string,
  video: ReadableVideo & { readonly startOffset: number; readonly duration: number },
  options: DecodeOptions,
): Promise<number> {
  const { startOffset, duration } = video;
  const sourceEnd = startOffset + duration;
  const request = { video, by: 'packets', until: Number.POSITIVE_INFINITY } as const;
  for await (const { start, end } of findStands(tools, path, request, options)) {
    const isShort = end === Number.POSITIVE_INFINITY && sourceEnd - start <= STAND_SECONDS + TIME_SLACK;
    if (!isShort) return Math.max(0, Math.round((start - startOffset) * 1e6) / 1e6);
  }
  return duration;
}

/** Yields the presentation times of all frames in order, read from container time `start`. */
async function* frameTimes(
  tools: MediaTools,
  path: string,
  start: number | undefined,
  { video, by }: StandsRequest,
  options: DecodeOptions,
): AsyncGenerator<{ readonly pts: number }> {
  // Two pixels of each decoded frame, whose times are those of the frame.
  const output = by === 'frames' ? ['-vf', 'crop=2:2:0:0'] : ['-c', 'copy', '-copyinkf'];
  const outputArgs = (stream: string): readonly string[] => [
    ...['-map', stream, ...output, '-fps_mode', 'passthrough', '-avoid_negative_ts', 'disabled'],
    ...['-f', 'framecrc', '-flush_packets', '0', 'pipe:1'],
  ];
  const program = startDecoder(tools, { path, video, start }, outputArgs, options);
  program.secondOutput.resume();
  const held: number[] = []; // in order; packets come in the order of decoding
  try {
    for await (const packet of packetTimes(program.stdout)) {
      const { pts } = packet;
      const dts = video.sequential ? Number.NEGATIVE_INFINITY : packet.dts; // those are only counted
      options.signal?.throwIfAborted();
      held.splice(held.findLastIndex((time) => time <= pts) + 1, 0, pts);
      // Every later packet is displayed at its decoding time or later.
      while (held.length > MAX_REORDERED || (held[0] ?? Number.POSITIVE_INFINITY) <= dts)
        yield { pts: held.shift() ?? pts };
    }
    for (const pts of held) yield { pts };
    const exit = await program.exited;
    if (exit.code !== 0) throw toMediaError(exit, options.signal, undecodable());
  } finally {
    program.stop();
    await program.exited;
  }
}

interface PacketTimes {
  readonly dts: number;
  readonly pts: number;
}

/** Parses what `framecrc` writes: the time base, then lines of `stream, dts, pts, duration, size, checksum`. */
async function* packetTimes(stream: AsyncIterable<unknown>): AsyncGenerator<PacketTimes> {
  let unit = 1e-6;
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
      if (base) unit = Number(base[1]) / Number(base[2]);
      const [, dts, pts, , size] = line.startsWith('0,') ? line.split(',') : [];
      // AVI marks a repeated frame by a packet without bytes.
      if (size === undefined || Number(size) === 0) continue;
      const decoded = Number(dts) * unit;
      yield { dts: decoded, pts: Number(pts) === NO_TIME ? decoded : Number(pts) * unit };
    }
  }
}
