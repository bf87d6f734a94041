/** Presentation times and frame rate, from the packets at the end of a video. */
import { FrameloomError } from '../../core/errors.ts';
import type { FrameRate } from '../../schema/source.ts';
import type { StreamPackets } from './packet-statistics.ts';
import type { ProbedPacket } from './packets.ts';

/**
 * Highest frame rate. No camera records more (slow motion is stored slowed down), but a small file can
 * contain a hundred thousand frames that all claim the same second.
 */
const MAX_FPS = 1000;
/** Rounding of intervals by the clock of the container: Matroska counts milliseconds. */
const CLOCK_ERROR_SECONDS = 0.0021;

/**
 * Returns the container time at which the last frame ends. `frameSeconds` replaces missing durations. Where
 * some packets have only a decoding time (AVI, MPEG program streams), decoding times are used, plus the
 * smallest delay between decoding and presentation of the other packets and of the first frame, `delay`.
 */
export function endOfLastFrame(
  packets: readonly ProbedPacket[],
  frameSeconds: number,
  delay: number,
): number {
  const clock = clockOf(packets);
  const delays = packets.flatMap(({ pts, dts }) =>
    pts === undefined || dts === undefined ? [] : [pts - dts],
  );
  const later = clock === 'pts' ? 0 : Math.max(0, delay, delays.length > 0 ? Math.min(...delays) : 0);
  return (
    later + Math.max(...packets.map((packet) => (packet[clock] ?? 0) + (packet.duration ?? frameSeconds)))
  );
}

/** Presentation times where all packets have one, else decoding times. */
export function clockOf(packets: readonly ProbedPacket[]): 'pts' | 'dts' {
  return packets.every(({ pts }) => pts !== undefined) ? 'pts' : 'dts';
}

/**
 * Returns the frame rate. It is constant where the packets at the end have equal intervals and, unless they
 * are all packets (`whole`), the average of the headers matches them: as it is, or with fields counted as
 * frames. Throws `media_too_large` above `MAX_FPS`.
 */
export function rateOf(
  { last: packets, count }: Pick<StreamPackets, 'last' | 'count'>,
  stated: number | undefined,
  whole: boolean,
): FrameRate {
  const clock = clockOf(packets);
  const times = packets.flatMap((packet) => packet[clock] ?? []).sort((first, second) => first - second);
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const length = (times.at(-1) ?? 0) - (times[0] ?? 0);
  const measured = length > 0 ? gaps.length / length : undefined;
  const rate = Math.max(stated ?? 0, packets.length >= 2 * MAX_FPS ? (measured ?? Infinity) : 0);
  if (rate > MAX_FPS && count > MAX_FPS) {
    throw new FrameloomError(
      'media_too_large',
      `The video has ${Number.isFinite(rate) ? Math.round(rate) : 'unlimited'} frames a second; the limit is ${MAX_FPS}.`,
    );
  }
  const even = gaps.length === 0 || Math.max(...gaps) - Math.min(...gaps) <= CLOCK_ERROR_SECONDS;
  const ratio = stated === undefined || measured === undefined ? 1 : stated / measured;
  const fits = [0.5, 1, 2].some((share) => Math.abs(ratio - share) < 0.02);
  const average = (whole && Math.abs(ratio - 1) > 0.02 ? measured : stated) ?? measured ?? 25;
  return { kind: even && fits ? 'constant' : 'variable', average: Math.round(average * 1000) / 1000 };
}
