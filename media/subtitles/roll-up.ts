/**
 * Joins captions that continue each other. Captions that roll up repeat their last lines in the next cue;
 * others grow word by word, or are one text in many short cues.
 */
import type { Cue } from '../../schema/source.ts';

/** A cue with its lines of plain text. */
export interface LinedCue {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

/** Cues this far apart still touch: tools round times. */
const TOUCH_SECONDS = 0.1;
/** Nobody repeats a line within such a time: the same text is one caption. */
const FLASH_SECONDS = 0.3;
/** A line that grows has this many words at least, so that `No` and `No way` stay two cues. */
const MIN_GROWING_WORDS = 3;

/** Captions that continue have no more lines than this. */
const MAX_LINES = 16;

interface Shown {
  readonly start: number;
  end: number;
  readonly lines: string[];
}

/**
 * Returns each cue with the lines that are new in it. Only cues that overlap or touch are joined, and only
 * where the text continues: a line that is said again later stays. `cues` are in order of their start.
 */
export function joinContinuedCues(cues: readonly LinedCue[]): readonly Cue[] {
  const shown: Shown[] = [];
  /** The last cue as the file has it. */
  let previous: LinedCue | undefined;
  for (const cue of cues) {
    const last = shown.at(-1);
    const { repeated, grows } = continuation(previous, cue);
    previous =
      repeated === cue.lines.length && previous ? { ...previous, end: Math.max(previous.end, cue.end) } : cue;
    if (grows && last) last.lines[last.lines.length - 1] = cue.lines[repeated - 1] ?? '';
    const fresh = cue.lines.slice(repeated);
    if (fresh.length > 0) shown.push({ start: cue.start, end: cue.end, lines: [...fresh] });
    else if (last) last.end = Math.max(last.end, cue.end);
  }
  return shown.map(({ start, end, lines }) => ({ start, end, text: lines.join(' ') }));
}

/** How many lines `cue` repeats from the end of `previous`, and whether the last of them has grown. */
function continuation(
  previous: LinedCue | undefined,
  cue: LinedCue,
): { readonly repeated: number; readonly grows: boolean } {
  const none = { repeated: 0, grows: false };
  if (!previous || cue.start > previous.end + TOUCH_SECONDS) return none;
  const before = previous.lines;
  for (let count = Math.min(before.length, cue.lines.length, MAX_LINES); count > 0; count -= 1) {
    const earlier = before.slice(-count);
    const isSame = (index: number): boolean => earlier[index] === cue.lines[index];
    if (!earlier.slice(0, -1).every((_, index) => isSame(index))) continue;
    const grows = !isSame(count - 1) && isGrown(earlier[count - 1] ?? '', cue.lines[count - 1] ?? '');
    if (!grows && !isSame(count - 1)) continue;
    // Nothing new: shown for longer, or said again?
    if (!grows && count === cue.lines.length && !isOneCaption(previous, cue, count)) return none;
    return { repeated: count, grows };
  }
  return none;
}

function isGrown(line: string, later: string): boolean {
  return later.startsWith(`${line} `) && line.split(' ').length >= MIN_GROWING_WORDS;
}

/** Whether `cue`, which shows only what `previous` shows, is the same caption. */
function isOneCaption(previous: LinedCue, cue: LinedCue, repeated: number): boolean {
  const isFlash = [previous, cue].some(({ start, end }) => end - start < FLASH_SECONDS);
  const overlaps = cue.start < previous.end - TOUCH_SECONDS;
  return isFlash || overlaps || repeated < previous.lines.length;
}
