/** What the parsers of all formats return: cues as written, and a count of what has no place. */

/** A cue as a file has it. Without `end` it lasts until the next one. */
export interface WrittenCue {
  readonly start: number;
  readonly end?: number | undefined;
  /** May have several lines, markup included. */
  readonly text: string;
}

export interface ParsedCues {
  readonly cues: readonly WrittenCue[];
  /** Number of blocks of text whose time is missing or cannot be read. */
  readonly withoutTime: number;
}

/** Duration of a cue without an end that no later one ends. */
const LAST_CUE_SECONDS = 10;

/**
 * Sorts by start and completes the ends: a cue without one, or whose end precedes its start, lasts until the
 * next one begins.
 */
export function withEnds<T extends WrittenCue>(
  cues: readonly T[],
): readonly (T & { readonly end: number })[] {
  const sorted = cues.toSorted((a, b) => a.start - b.start);
  const ended: (T & { readonly end: number })[] = [];
  let [next, afterNext] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const cue of sorted.toReversed()) {
    if (cue.start < next) [next, afterNext] = [cue.start, next];
    const { end = -1, start } = cue;
    const last = Number.isFinite(afterNext) ? afterNext : start + LAST_CUE_SECONDS;
    ended.push({ ...cue, end: end >= start ? end : last });
  }
  return ended.reverse();
}
