/** How a frame is named: by its time in a video, by its number in a deck. Pure. */
import type { ResultFrame } from '../schema/result.ts';
import { formatTime } from './format.ts';

/** `0:15`, `Slide 3`. */
export function placeOf(frame: ResultFrame, digits: number): string {
  return frame.time === undefined
    ? `Slide ${frame.slide ?? frame.index + 1}`
    : formatTime(frame.time, digits);
}

/** Fractions of a second are shown only where two frames could not be told apart without: 0 or 1 digit. */
export function timeDigits(frames: readonly ResultFrame[]): 0 | 1 {
  const crowded = frames.some((frame, i) => {
    const before = frames[i - 1]?.time;
    return before !== undefined && Math.floor(before) === Math.floor(frame.time ?? -1);
  });
  return crowded ? 1 : 0;
}
