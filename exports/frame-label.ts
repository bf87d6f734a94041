/** How frames are named: by their time in a video, by their number in a deck or a list of pictures. Pure. */

import { formatTime } from '../core/format.ts';
import type { SourceRequest } from '../schema/request.ts';
import type { ResultFrame } from '../schema/result.ts';

export type SourceKind = SourceRequest['type'];

export interface LabelStyle {
  /** What a frame without a time is. */
  readonly noun: 'Slide' | 'Picture';
  /** Digits after the seconds: shown only where two frames could not be told apart without. */
  readonly digits: 0 | 1;
}

/** How the frames of a source, sorted by time, are named. */
export function labelStyleFor(kind: SourceKind, frames: readonly ResultFrame[]): LabelStyle {
  const crowded = frames.some((frame, i) => {
    const before = frames[i - 1]?.time;
    return before !== undefined && Math.floor(before) === Math.floor(frame.time ?? -1);
  });
  return { noun: frameNoun(kind), digits: crowded ? 1 : 0 };
}

/** What a part of a source without times is called. */
export function frameNoun(kind: SourceKind): LabelStyle['noun'] {
  return kind === 'images' ? 'Picture' : 'Slide';
}

/** `0:15`, `Slide 3`. */
export function frameLabel(frame: ResultFrame, { noun, digits }: LabelStyle): string {
  return frame.time === undefined ? `${noun} ${slideNumber(frame)}` : formatTime(frame.time, digits);
}

/** `0:15–0:27` as it is; `1–3` of a deck as `slides 1–3`. */
export function spanLabel(kind: SourceKind, span: string): string {
  return kind === 'video' ? span : `${frameNoun(kind).toLowerCase()}s ${span}`;
}

/** Number of a slide or picture, from 1. */
export function slideNumber(frame: ResultFrame): number {
  return frame.slide ?? frame.index + 1;
}
