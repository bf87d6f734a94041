/**
 * Puts the packets of a file on one continuous clock. Recordings that were joined, and devices that were
 * restarted, set the clock of the container back or far ahead; what follows then begins where what precedes
 * ends.
 */
import { FrameloomError } from '../../core/errors.ts';
import type { ClockPart } from '../../schema/source.ts';
import type { ProbedPacket } from './packets.ts';

/** How far a time must go back, in seconds. Less are errors of a muxer, which reordering hides. */
const MIN_SETBACK_SECONDS = 0.4;
/** A frame is confirmed by a next one that is at most this far away, in seconds. */
const NEAR_SECONDS = 10;
/** Most changes of the clock in one file: each is part of the arguments of ffmpeg. */
const MAX_PARTS = 1000;
/** Most packets that wait for a decision. */
const MAX_HELD = 4096;

export interface ClockJoinerOptions {
  /** Number of the stream whose clock counts. */
  readonly video: number;
  /** Numbers of the other streams that last in time. */
  readonly audio: readonly number[];
  /** Whether decoding times are from the container; otherwise presentation times decide. */
  readonly hasDecodingTimes: boolean;
  /** Frames by which presentation times may be out of order. */
  readonly reordering: number;
  /** Seconds without a packet from which the clock counts as set ahead. */
  readonly maxPause: number;
  /** Duration of a packet without one, in seconds. */
  readonly frameSeconds: number;
  /** Receives each packet with its times on the continuous clock, in the order of the file. */
  readonly onPacket: (packet: ProbedPacket) => void;
}

/** The clock of one stream within the current part. */
interface StreamClock {
  recent: number[];
}

export class ClockJoiner {
  readonly #options: ClockJoinerOptions;
  readonly #parts: ClockPart[] = [{ position: 0, start: 0, shift: 0 }];
  readonly #clocks = new Map<number, StreamClock>();
  /** Latest time of a packet in the current part, on the container's clock. */
  #latest = Number.NEGATIVE_INFINITY;
  /** End of the packets so far, on the continuous clock. */
  #end = Number.NEGATIVE_INFINITY;
  /** Position of the last accepted packet. */
  #position = 0;
  /** Packets from the first one with a surprising time on. */
  #held: ProbedPacket[] = [];

  constructor(options: ClockJoinerOptions) {
    this.#options = options;
  }

  add(packet: ProbedPacket): void {
    if (this.#held.length === 0) {
      if (this.#isSurprising(packet)) this.#held.push(packet);
      else this.#accept(packet);
      return;
    }
    this.#held.push(packet);
    if (packet.stream === this.#options.video) {
      const first = this.#held.find(({ stream }) => stream === packet.stream);
      if (first !== packet) this.#decide(packet);
      else if (!this.#isSurprising(packet)) this.#release(); // only a packet of sound was surprising
    } else if (this.#held.length > MAX_HELD) this.#release();
  }

  /** Returns the parts, the first with shift 0. No packet may follow. */
  end(): readonly ClockPart[] {
    const { video } = this.#options;
    const held = this.#held.find(({ stream }) => stream === video);
    if (held && this.#isSurprising(held)) this.#open(held);
    else this.#release();
    return this.#parts;
  }

  /** Decides by the next frame, `second`, whether the clock has changed or one frame has a wrong time. */
  #decide(second: ProbedPacket): void {
    const first = this.#held.find(({ stream }) => stream === second.stream) ?? second;
    const near = Math.abs((this.#timeOf(second) ?? 0) - (this.#timeOf(first) ?? 0)) <= NEAR_SECONDS;
    if (near || this.#isSurprising(second)) this.#open(first);
    else this.#release();
  }

  /** Begins a part with the first held packet that is on the clock of `frame`. */
  #open(frame: ProbedPacket): void {
    const time = this.#timeOf(frame) ?? 0;
    const isNear = (packet: ProbedPacket): boolean =>
      Math.abs((this.#timeOf(packet) ?? Number.POSITIVE_INFINITY) - time) <= NEAR_SECONDS;
    const members = this.#held.filter(
      (packet) =>
        this.#isTimed(packet) &&
        (packet.stream === frame.stream || this.#isSurprising(packet)) &&
        isNear(packet),
    );
    const starts = members.flatMap(({ pts, dts }) => pts ?? dts ?? []);
    const start = starts.length === 0 ? time : Math.min(...starts);
    const position = Math.min(
      ...members.flatMap((member) => member.position ?? []),
      frame.position ?? Number.POSITIVE_INFINITY,
    );
    const end = Number.isFinite(this.#end) ? this.#end : start;
    if (this.#parts.length >= MAX_PARTS) {
      throw new FrameloomError(
        'media_too_large',
        `The clock of the video changes more than ${MAX_PARTS} times. Convert the video to MP4.`,
      );
    }
    const round = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;
    this.#parts.push({
      position: Number.isFinite(position) ? position : this.#position,
      start: frame.pts ?? time,
      shift: round(end - start),
    });
    this.#clocks.clear();
    this.#latest = Number.NEGATIVE_INFINITY;
    const held = this.#held;
    this.#held = [];
    for (const packet of held) {
      // Packets of the old clock that come late would be shifted by the wrong amount.
      if (this.#isTimed(packet) && !isNear(packet)) continue;
      this.#accept(packet);
    }
  }

  #release(): void {
    const held = this.#held;
    this.#held = [];
    for (const packet of held) if (!this.#isSurprising(packet)) this.#accept(packet);
  }

  #accept(packet: ProbedPacket): void {
    const shift = this.#parts.at(-1)?.shift ?? 0;
    this.#position = packet.position ?? this.#position;
    const time = this.#timeOf(packet);
    if (this.#isTimed(packet) && time !== undefined) {
      const clock = this.#clocks.get(packet.stream) ?? { recent: [] };
      clock.recent.push(time);
      const depth = packet.stream === this.#options.video ? this.#depth : 1;
      if (clock.recent.length > depth) clock.recent.shift();
      this.#clocks.set(packet.stream, clock);
      this.#latest = Math.max(this.#latest, time);
      const seconds =
        packet.duration ?? (packet.stream === this.#options.video ? this.#options.frameSeconds : 0);
      if (!packet.hidden) this.#end = Math.max(this.#end, (packet.pts ?? time) + seconds + shift);
    }
    const { pts, dts } = packet;
    this.#options.onPacket(
      shift === 0
        ? packet
        : {
            ...packet,
            pts: pts === undefined ? pts : pts + shift,
            dts: dts === undefined ? dts : dts + shift,
          },
    );
  }

  /** Whether the time of the packet does not follow those before it. */
  #isSurprising(packet: ProbedPacket): boolean {
    const time = this.#timeOf(packet);
    if (!this.#isTimed(packet) || time === undefined) return false;
    if (Number.isFinite(this.#latest) && time - this.#latest > this.#options.maxPause) return true;
    const recent = this.#clocks.get(packet.stream)?.recent;
    return recent !== undefined && time < Math.min(...recent) - MIN_SETBACK_SECONDS;
  }

  #isTimed({ stream }: ProbedPacket): boolean {
    return stream === this.#options.video || this.#options.audio.includes(stream);
  }

  get #depth(): number {
    return this.#options.hasDecodingTimes ? 1 : 1 + this.#options.reordering;
  }

  #timeOf({ pts, dts }: ProbedPacket): number | undefined {
    return this.#options.hasDecodingTimes ? (dts ?? pts) : (pts ?? dts);
  }
}
