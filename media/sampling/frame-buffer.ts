/** Holds the last few pictures that a decoder wrote, until someone asks for one or it is too late to. */
import type { Readable } from 'node:stream';
import { readRawFrames, type TimedBytes, type TimestampReader, verifyChecksum } from '../video/index.ts';

/**
 * Planes that have been written and not read from which a picture without a stamp was not written. From ffmpeg 7 on each output
 * has threads and queues of its own (two of eight), and planes may be so many candidates before pictures.
 */
const PLANES_AHEAD = 20;
/** Planes that wait in ffmpeg: more, so that it can get there. */
export const PLANE_QUEUE = 32;

export interface FrameBufferOptions {
  /** Stamps of the planes, of which there is one for each candidate. */
  readonly planes: TimestampReader;
  /** Bytes of a picture. */
  readonly bytes: number;
  /** Every picture is written. */
  readonly all: boolean;
  /** Pictures held from which no more are read. */
  readonly most: number;
}

export class FrameBuffer {
  readonly #stamps: TimestampReader;
  readonly #options: FrameBufferOptions;
  readonly #held = new Map<number, TimedBytes>();
  readonly #spare: Buffer[] = [];
  #droppedUntil = Number.NEGATIVE_INFINITY;
  #ended = false;
  #closing = false;
  #failure: { readonly error: unknown } | undefined;
  #watchers: (() => void)[] = [];

  /** Reads the pictures of a `rawOutput` at once. */
  constructor(pixels: Readable, stamps: TimestampReader, options: FrameBufferOptions) {
    this.#stamps = stamps;
    this.#options = options;
    void this.#fill(pixels)
      .catch((error: unknown) => {
        if (!this.#closing) this.#failure = { error };
      })
      .finally(() => {
        this.#ended = true;
        this.#tell();
      });
  }

  async #fill(pixels: Readable): Promise<void> {
    for await (const data of readRawFrames(pixels, this.#options.bytes, this.#spare)) {
      await this.#stamps.some();
      const stamp = this.#stamps.take(); // and is held at once: whoever looks finds it in one of the two places
      if (!stamp) return; // stopped between the two writes
      if (stamp.time <= this.#droppedUntil) this.#spare.push(data);
      else this.#held.set(stamp.time, { ...stamp, data });
      this.#tell();
      while (this.#held.size >= this.#options.most && !this.#closing) await this.#change();
    }
  }

  /** What `use` makes of the picture shown from `time`; undefined where none was written. The bytes are lent for the call. */
  async take<T>(time: number, use: (data: Buffer) => T): Promise<T | undefined> {
    await this.#stamped(time);
    while (!this.#held.has(time) && this.#stamps.has(time) && !this.#ended) await this.#change();
    if (this.#failure) throw this.#failure.error;
    const picture = this.#held.get(time);
    if (!picture) return undefined;
    verifyChecksum(picture);
    return use(picture.data);
  }

  /** Resolves when it is known whether the picture of `time` was written. */
  async #stamped(time: number): Promise<void> {
    const { planes, all } = this.#options;
    const mayCome = (): boolean => this.#stamps.latest < time && !this.#stamps.ended;
    while (mayCome() && (all || planes.ahead < PLANES_AHEAD)) {
      await Promise.race([this.#stamps.change(), ...(planes.ended ? [] : [planes.change()])]);
    }
  }

  /** Lets go of all pictures up to `time`. */
  drop(time: number): void {
    this.#droppedUntil = time;
    for (const [shown, { data }] of this.#held) {
      if (shown > time) break; // in order
      this.#held.delete(shown);
      this.#spare.push(data);
    }
    this.#tell();
  }

  /** Waits for what was written up to `time`; it can still be taken once the decoder is gone. */
  async close(time: number): Promise<void> {
    this.#closing = true;
    this.#tell();
    await this.#stamped(time);
    while (!this.#ended && this.#stamps.first <= time) await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#watchers.push(resolve));
  }

  #tell(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}
