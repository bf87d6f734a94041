/** When frames are shown and how evenly, from the packets at the end of a video. */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameRate } from '../../schema/source.ts';
import type { ProbedPacket, ProbedStream } from './ffprobe.ts';
import { undecodable } from './video-stream.ts';

/**
 * Most frames a second. No camera's file has more (slow motion is stored slowed down), but a small file can hold a hundred
 * thousand frames that all claim the same second.
 */
const MAX_RATE = 1000;
/** Difference of two distances, in seconds, that the clock of the container may make: Matroska counts milliseconds. */
const CLOCK_ERROR = 0.0021;

/** The packets of the pictures, without those that are decoded only for the sake of others. Throws `media_truncated`. */
export function shownPackets(
  packets: readonly ProbedPacket[],
  stream: ProbedStream,
): readonly ProbedPacket[] {
  const shown = packets.filter(
    ({ stream_index, flags }) => stream_index === String(stream.index) && !flags.includes('D'),
  );
  if (shown.length === 0) throw undecodable();
  return shown;
}

/**
 * Container time at which the last frame is no longer shown; `frame` seconds stand for a duration that is not given. Where some
 * packets say only when they are decoded (AVI, MPEG program streams), the order of decoding is counted: frames are shown later
 * by at least as much as all others are, and as the first one is, by `delay`.
 */
export function shownUntil(packets: readonly ProbedPacket[], frame: number, delay: number): number {
  const clock = clockOf(packets);
  const delays = packets.flatMap(({ pts_time, dts_time }) =>
    pts_time === undefined || dts_time === undefined ? [] : [pts_time - dts_time],
  );
  const later = clock === 'pts_time' ? 0 : Math.max(0, delay, delays.length > 0 ? Math.min(...delays) : 0);
  return later + Math.max(...packets.map((packet) => (packet[clock] ?? 0) + (packet.duration_time ?? frame)));
}

/** Times of presentation where all packets have one, else those of decoding. */
export function clockOf(packets: readonly ProbedPacket[]): 'pts_time' | 'dts_time' {
  return packets.every(({ pts_time }) => pts_time !== undefined) ? 'pts_time' : 'dts_time';
}

/**
 * Whether frames stand equally long, judged by the packets of the end and, where those are not all, by whether the average of
 * the headers fits them: as it is, or for fields that are counted as frames. Throws `media_too_large` for absurd rates.
 */
export function rateOf(
  packets: readonly ProbedPacket[],
  stated: number | undefined,
  whole: boolean,
): FrameRate {
  const clock = clockOf(packets);
  const times = packets.flatMap((packet) => packet[clock] ?? []).sort((first, second) => first - second);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const length = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const measured = length > 0 ? gaps.length / length : undefined;
  const rate = Math.max(stated ?? 0, packets.length >= 2 * MAX_RATE ? (measured ?? Infinity) : 0);
  if (rate > MAX_RATE && packets.length > MAX_RATE) {
    throw new FrameloomError(
      'media_too_large',
      `The video has ${Number.isFinite(rate) ? Math.round(rate) : 'endless'} frames a second; the limit is ${MAX_RATE}.`,
    );
  }
  const even = gaps.length === 0 || Math.max(...gaps) - Math.min(...gaps) <= CLOCK_ERROR;
  const ratio = stated === undefined || measured === undefined ? 1 : stated / measured;
  const fits = [0.5, 1, 2].some((share) => Math.abs(ratio - share) < 0.02);
  const average = (whole && Math.abs(ratio - 1) > 0.02 ? measured : stated) ?? measured ?? 25;
  return { kind: even && fits ? 'constant' : 'variable', average: Math.round(average * 1000) / 1000 };
}
