/**
 * The current tick of a window, on which to decide next, and the ticks after it that are already known.
 */
import { DUPLICATE_BELOW } from './difference.ts';
import type { Change } from './plane.ts';
import { createShotFinder, type ShotChange } from './shots.ts';
import type { Tick } from './ticks.ts';

/** How long a black frame waits for one that is not black, in ticks. */
const BLACK_WAIT = 5;
/** Longest dissolve, in ticks, of which no frame is kept: a frame of a longer one is worth keeping. */
const SHORT_DISSOLVE = 8;

export class Lookahead {
  readonly #frames: Tick[] = []; // the current one and its future
  readonly #shots = createShotFinder();
  readonly #shotChanges: ShotChange[] = [];
  readonly #until: number;
  #added = 0;
  #position: number; // number of the current tick

  /** `context` is passed to the shot finder only; `until` is the end of the window in seconds. */
  constructor(context: readonly Tick[], until: number) {
    this.#until = until;
    for (const frame of context) this.#findShots(frame);
    this.#position = this.#added;
  }

  add(frame: Tick): void {
    this.#findShots(frame);
    this.#frames.push(frame);
  }

  #findShots({ plane, change }: Tick): void {
    const found = this.#shots.add(plane, change);
    if (found) this.#shotChanges.push(found);
    this.#added++;
  }

  /** Moves on to the next tick. */
  advance(): void {
    this.#frames.shift();
    this.#position++;
    while ((this.#shotChanges[0]?.index ?? this.#position) < this.#position) this.#shotChanges.shift();
  }

  /** Number of ticks: the current one and those after it. */
  get length(): number {
    return this.#frames.length;
  }

  /** Number of the current tick, context included. */
  get position(): number {
    return this.#position;
  }

  /** The tick `ahead` places after the current one. */
  at(ahead: number): Tick | undefined {
    return this.#frames[ahead];
  }

  isInWindow(ahead: number): boolean {
    return (this.#frames[ahead]?.time ?? this.#until) < this.#until;
  }

  /**
   * Whether nothing changes in the `steps` ticks after tick `ahead`; `measure` returns a change as
   * 0 to 1.
   */
  isStill(ahead: number, steps: number, measure = (change: Change): number => change.max): boolean {
    return this.#frames
      .slice(ahead + 1, ahead + 1 + steps)
      .every(({ change }) => !change || measure(change) < DUPLICATE_BELOW);
  }

  /** The change of shot whose first frame is tick `ahead`. */
  shotChangeAt(ahead: number): ShotChange | undefined {
    return this.#shotChanges.find(({ index }) => index === this.#position + ahead);
  }

  /** Whether the current tick is inside a dissolve too short to keep a frame of. */
  isInShortDissolve(): boolean {
    const position = this.#position;
    return this.#shotChanges.some(
      ({ index, from }) => from < position && position < index && index - from <= SHORT_DISSOLVE,
    );
  }

  /** Whether the current tick is black, and one that is not follows soon and within the window. */
  isBlackBriefly(): boolean {
    if (!this.#frames[0]?.plane.black) return false;
    return this.#frames
      .slice(1, 1 + BLACK_WAIT)
      .some(({ plane, time }) => !plane.black && time < this.#until);
  }
}
