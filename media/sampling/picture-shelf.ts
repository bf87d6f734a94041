/** Holds the last few pictures that a decoder wrote, until someone asks for one or it is too late to. */
import { setImmediate } from 'node:timers/promises';
import { checkTime, type TimedData } from '../decode.ts';

/** Turns of the event loop in which a picture that is on its way arrives: what is written before a plane is read with it. */
const TURNS = 8;

export class PictureShelf {
  readonly #held = new Map<number, TimedData>();
  readonly #spare: Buffer[] = [];
  readonly #taken = new Set<Buffer>();
  #room: (() => void) | undefined;
  #droppedUntil = Number.NEGATIVE_INFINITY;
  #failure: { readonly error: unknown } | undefined;
  #closed = false;
  #latest = Number.NEGATIVE_INFINITY;
  #ended = false;
  #arrived: (() => void)[] = [];
  readonly #all: boolean;

  /** Reads `open` at once, and pauses while more than `most` pictures are held. `all`: every picture is written. */
  constructor(
    open: (spare: Buffer[]) => AsyncGenerator<TimedData>,
    { most, all }: { readonly most: number; readonly all: boolean },
  ) {
    this.#all = all;
    void this.#fill(open(this.#spare), most)
      .catch((error: unknown) => {
        if (!this.#closed) this.#failure = { error };
      })
      .finally(() => {
        this.#ended = true;
        this.#tell();
      });
  }

  #tell(): void {
    for (const wake of this.#arrived.splice(0)) wake();
  }

  async #fill(pictures: AsyncGenerator<TimedData>, most: number): Promise<void> {
    for await (const picture of pictures) {
      this.#latest = picture.time;
      if (picture.time <= this.#droppedUntil) {
        this.#spare.push(picture.data);
        continue;
      }
      this.#held.set(picture.time, picture);
      this.#tell();
      if (this.#held.size < most || this.#closed) continue;
      await new Promise<void>((resolve) => {
        this.#room = resolve;
      });
    }
  }

  /** The picture shown from `time`, or undefined where none was written. Its bytes are the receiver's from then on. */
  async take(time: number): Promise<Buffer | undefined> {
    for (let turn = 0; !this.#held.has(time) && this.#mayCome(time, turn); turn++) {
      if (!this.#all) await setImmediate();
      else await new Promise<void>((resolve) => this.#arrived.push(resolve));
    }
    if (this.#failure) throw this.#failure.error;
    const picture = this.#held.get(time);
    if (!picture) return undefined;
    if (!this.#taken.has(picture.data)) checkTime(picture);
    this.#taken.add(picture.data);
    return picture.data;
  }

  #mayCome(time: number, turn: number): boolean {
    if (this.#ended || this.#closed || this.#latest >= time) return false;
    return this.#all || turn < TURNS;
  }

  /** Lets go of all pictures up to `time`. */
  drop(time: number): void {
    this.#droppedUntil = time;
    for (const [shown, { data }] of this.#held) {
      if (shown > time) break; // in order
      this.#held.delete(shown);
      if (!this.#taken.delete(data)) this.#spare.push(data);
    }
    this.#room?.();
    this.#room = undefined;
  }

  /** Ends the reading, once what is on its way has arrived. What is held can still be taken. */
  async close(): Promise<void> {
    this.#room?.();
    for (let turn = 0; turn < TURNS; turn++) await setImmediate();
    this.#closed = true;
    this.#tell();
  }
}
