/**
 * Cuts a stretch of video into the windows in which decisions are taken. A window's decisions depend on the video alone:
 * whoever cuts spans along windows decodes nothing twice, and whoever cuts them elsewhere gets the same decisions.
 */
import type { SampleWindows } from '../../schema/stages.ts';
import { type ProbedVideo, TIME_SLACK } from '../video/index.ts';

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

/** A time from the first shown frame on the container's clock. */
export function ptsOf(time: number, video: ProbedVideo): number {
  return Math.round((time + video.startOffset) * 1e6) / 1e6;
}
