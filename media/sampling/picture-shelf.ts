/** Holds the last few pictures that a decoder wrote, until someone asks for one or it is too late to. */
import type { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { checkTime, type FrameStamp, frameStamps, pictures, type TimedData } from '../decode.ts';

/** Turns of the event loop in which a stamp that is on its way arrives: what is written before a plane is read with it. */
const TURNS = 8;

export interface ShelfOptions {
  /** Bytes of a picture. */
  readonly bytes: number;
  /** Pictures held from which no more are read. */
  readonly most: number;
  /** Every picture is written. */
  readonly all: boolean;
}

export class PictureShelf {
  /** Written, as their stamps say, and still on the way: oldest first. */
  readonly #onTheWay: FrameStamp[] = [];
  readonly #held = new Map<number, TimedData>();
  readonly #spare: Buffer[] = [];
  readonly #options: ShelfOptions;
  #stampedUntil = Number.NEGATIVE_INFINITY;
  #droppedUntil = Number.NEGATIVE_INFINITY;
  #stampsEnded = false;
  #ended = false;
  #closing = false;
  #failure: { readonly error: unknown } | undefined;
  #waiting: (() => void)[] = [];

  /** Reads both streams at once: the pictures of a `rawOutput`, and their stamps, which come first. */
  constructor(pixels: Readable, stamps: Readable, options: ShelfOptions) {
    this.#options = options;
    void this.#readStamps(stamps)
      .catch(this.#fail)
      .finally(() => {
        this.#stampsEnded = true;
        this.#tell();
      });
    void this.#fill(pixels)
      .catch(this.#fail)
      .finally(() => {
        this.#ended = true;
        this.#tell();
      });
  }

  readonly #fail = (error: unknown): void => {
    if (!this.#closing) this.#failure ??= { error };
  };

  async #readStamps(stamps: Readable): Promise<void> {
    for await (const stamp of frameStamps(stamps)) {
      this.#onTheWay.push(stamp);
      this.#stampedUntil = stamp.time;
      this.#tell();
    }
  }

  async #fill(pixels: Readable): Promise<void> {
    for await (const data of pictures(pixels, this.#options.bytes, this.#spare)) {
      while (this.#onTheWay.length === 0 && !this.#stampsEnded) await this.#change();
      const stamp = this.#onTheWay.shift();
      if (!stamp) return; // stopped between the two writes
      if (stamp.time <= this.#droppedUntil) this.#spare.push(data);
      else this.#held.set(stamp.time, { ...stamp, data });
      this.#tell();
      while (this.#held.size >= this.#options.most && !this.#closing) await this.#change();
    }
  }

  /** What `use` makes of the picture shown from `time`; undefined where none was written. The bytes are lent for the call. */
  async take<T>(time: number, use: (data: Buffer) => T): Promise<T | undefined> {
    const { all } = this.#options;
    for (let turn = 0; this.#stampedUntil < time && !this.#stampsEnded && (all || turn < TURNS); turn++) {
      await (all ? this.#change() : setImmediate());
    }
    while (!this.#held.has(time) && this.#comes(time)) await this.#change();
    if (this.#failure) throw this.#failure.error;
    const picture = this.#held.get(time);
    if (!picture) return undefined;
    checkTime(picture);
    return use(picture.data);
  }

  #comes(time: number): boolean {
    return !this.#ended && this.#onTheWay.some((stamp) => stamp.time === time);
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
    for (let turn = 0; this.#stampedUntil < time && !this.#stampsEnded && turn < TURNS; turn++) {
      await setImmediate();
    }
    while (!this.#ended && (this.#onTheWay[0]?.time ?? Number.POSITIVE_INFINITY) <= time)
      await this.#change();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tell(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
