/** What the packets of a file tell about its streams: where each ends, and how its last frames are spaced. */
import type { ProbedPacket } from './packets.ts';

/** Most packets of one stream that are kept: enough to measure any accepted frame rate. */
const KEPT_PACKETS = 4096;

/** The displayed packets of one stream, on one clock. */
export interface StreamPackets {
  readonly count: number;
  /** Earliest time. */
  readonly start: number;
  /** Latest end of a packet, with the durations that the container states. */
  readonly end: number;
  /** The last packets. */
  readonly last: readonly ProbedPacket[];
}

export class PacketStatistics {
  readonly #streams = new Map<number, StreamPackets & { last: ProbedPacket[]; count: number }>();
  #encrypted = false;

  add(packet: ProbedPacket): void {
    this.#encrypted ||= packet.encrypted;
    if (packet.hidden) return;
    const time = packet.pts ?? packet.dts;
    const found = this.#streams.get(packet.stream);
    const {
      count = 0,
      start = Number.POSITIVE_INFINITY,
      end = Number.NEGATIVE_INFINITY,
      last = [],
    } = found ?? {};
    last.push(packet);
    if (last.length > 2 * KEPT_PACKETS) last.splice(0, KEPT_PACKETS);
    this.#streams.set(packet.stream, {
      count: count + 1,
      start: Math.min(start, time ?? start),
      end: Math.max(end, time === undefined ? end : time + (packet.duration ?? 0)),
      last,
    });
  }

  /** Whether a packet is encrypted. */
  get encrypted(): boolean {
    return this.#encrypted;
  }

  of(stream: number): StreamPackets | undefined {
    return this.#streams.get(stream);
  }

  /** Latest end of the packets of these streams. */
  endOf(streams: readonly number[]): number {
    return Math.max(...streams.map((stream) => this.#streams.get(stream)?.end ?? Number.NEGATIVE_INFINITY));
  }
}
