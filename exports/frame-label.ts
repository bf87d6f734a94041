/** How frames are named: by their time in a video, by their number in a deck or a list of pictures. Pure. */

import { formatTime } from '../core/format.ts';
import type { SourceRequest } from '../schema/request.ts';
import type { ResultFrame } from '../schema/result.ts';

export type SourceKind = SourceRequest['type'];

export interface Naming {
  /** What a frame without a time is. */
  readonly noun: 'Slide' | 'Picture';
  /** Digits after the seconds: shown only where two frames could not be told apart without. */
  readonly digits: 0 | 1;
}

/** How the frames of a source, sorted by time, are named. */
export function namingOf(kind: SourceKind, frames: readonly ResultFrame[]): Naming {
  const crowded = frames.some((frame, i) => {
    const before = frames[i - 1]?.time;
    return before !== undefined && Math.floor(before) === Math.floor(frame.time ?? -1);
  });
  return { noun: nounOf(kind), digits: crowded ? 1 : 0 };
}

/** What a part of a source without times is called. */
export function nounOf(kind: SourceKind): Naming['noun'] {
  return kind === 'images' ? 'Picture' : 'Slide';
}

/** `0:15`, `Slide 3`. */
export function placeOf(frame: ResultFrame, { noun, digits }: Naming): string {
  return frame.time === undefined ? `${noun} ${numberOf(frame)}` : formatTime(frame.time, digits);
}

/** `0:15–0:27` as it is; `1–3` of a deck as `slides 1–3`. */
export function spanOf(kind: SourceKind, span: string): string {
  return kind === 'video' ? span : `${nounOf(kind).toLowerCase()}s ${span}`;
}

/** Number of a slide or picture, from 1. */
export function numberOf(frame: ResultFrame): number {
  return frame.slide ?? frame.index + 1;
}
