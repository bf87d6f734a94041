/**
 * Divides a video into the windows in which decisions are made. The decisions of a window depend on the video
 * alone: spans that begin and end at windows decode nothing twice, and spans that do not give the same
 * decisions.
 */
import type { SampleWindows } from '../../schema/stages.ts';
import { TIME_SLACK } from '../video/index.ts';

/**
 * `[start, end)` in seconds from the first displayed frame; `index` counts from the beginning of the chunk.
 */
export interface Window {
  readonly index: number;
  readonly start: number;
  readonly end: number;
}

export function windowAt(windows: SampleWindows, time: number): Window {
  const index = Math.max(0, Math.floor((time - windows.origin + TIME_SLACK) / windows.seconds));
  const start = windows.origin + index * windows.seconds;
  return { index, start, end: Math.min(windows.end, start + windows.seconds) };
}
