/**
 * The latest planes and how each differs from the one before it. Planes are numbered from 0 in the order of
 * `add`.
 */
import { newContentShare } from './new-content.ts';
import { type Change, comparePlanes, type Plane, replacedShare } from './plane.ts';

interface Entry {
  readonly plane: Plane;
  /** Share that is new against the plane before, 0 to 1. */
  readonly newShare: number;
  /** Share of the plane before that is replaced, 0 to 1. */
  readonly replacedShare: number;
  /** Change of the most different block, 0 to 1. */
  readonly maxChange: number;
}

export class PlaneHistory {
  readonly #capacity: number;
  readonly #entries: Entry[] = [];
  #first = 0; // number of the oldest entry

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(plane: Plane, change: Change | undefined): void {
    const before = this.#entries.at(-1)?.plane;
    this.#entries.push({
      plane,
      newShare: before ? newContentShare(before, plane) : 0,
      replacedShare: before && change ? replacedShare(before, change) : 0,
      maxChange: change?.max ?? 1,
    });
    if (this.#entries.length <= this.#capacity) return;
    this.#entries.shift();
    this.#first++;
  }

  get first(): number {
    return this.#first;
  }

  get newest(): number {
    return this.#first + this.#entries.length - 1;
  }

  plane(index: number): Plane | undefined {
    return this.#entries[index - this.#first]?.plane;
  }

  /** 0 outside the history. */
  newShare(index: number): number {
    return this.#entries[index - this.#first]?.newShare ?? 0;
  }

  /** 0 outside the history. */
  replacedShare(index: number): number {
    return this.#entries[index - this.#first]?.replacedShare ?? 0;
  }

  /** Whether the plane equals the one before it; false outside the history. */
  isStill(index: number, threshold: number): boolean {
    return (this.#entries[index - this.#first]?.maxChange ?? 1) < threshold;
  }

  /** Whether the plane is that of the frame displayed before it; false outside the history. */
  isRepeat(index: number): boolean {
    const plane = this.plane(index);
    return plane !== undefined && plane === this.plane(index - 1);
  }

  /**
   * Share of `b` that is new against `a`; 1 where one is outside the history, so that it rules nothing out.
   */
  newShareBetween(a: number, b: number): number {
    const [from, to] = [this.plane(a), this.plane(b)];
    return from && to ? newContentShare(from, to) : 1;
  }

  /** Share of `a` that `b` replaces; 1 where one is outside the history. */
  replacedShareBetween(a: number, b: number): number {
    const [from, to] = [this.plane(a), this.plane(b)];
    return from && to ? replacedShare(from, comparePlanes(from, to)) : 1;
  }

  /** Mean luma in levels; 0 outside the history. */
  brightness(index: number): number {
    return this.plane(index)?.mean ?? 0;
  }
}
