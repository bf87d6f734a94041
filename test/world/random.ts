/** Seeded randomness: the same seed draws the same world on every machine. */

/** Returns numbers in [0, 1). */
export type Random = () => number;

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state, plenty for choosing drawings. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function uniform(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

/** A whole number in [low, high], both ends included. */
export function integer(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}

/** Throws RangeError for an empty list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  const item = list[integer(random, 0, list.length - 1)];
  if (item === undefined) throw new RangeError('nothing to pick from');
  return item;
}

/** `count` different items, in random order. */
export function pickSome<T>(random: Random, list: readonly T[], count: number): T[] {
  const rest = [...list];
  return Array.from({ length: count }, () => {
    const [item] = rest.splice(integer(random, 0, rest.length - 1), 1);
    if (item === undefined) throw new RangeError('fewer items than asked for');
    return item;
  });
}
