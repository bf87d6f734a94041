/**
 * Labels of frames and spans for people: times in a video, numbers in a deck or a list of images. Pure
 * functions.
 */

import { formatTime } from '../core/format.ts';
import type { SourceRequest } from '../schema/request.ts';
import type { ResultFrame } from '../schema/result.ts';

export type SourceKind = SourceRequest['type'];

/** How the frames of one source are labelled. */
export interface LabelStyle {
  /** The noun for a frame without a time. */
  readonly noun: 'Slide' | 'Image';
  /** Digits after the seconds: 1 only where two frames would have the same label without. */
  readonly digits: 0 | 1;
}

/** Chooses the style for the frames of a source, which are sorted by time. */
export function labelStyleFor(kind: SourceKind, frames: readonly ResultFrame[]): LabelStyle {
  const isCrowded = frames.some((frame, i) => {
    const before = frames[i - 1]?.time;
    return before !== undefined && Math.floor(before) === Math.floor(frame.time ?? -1);
  });
  return { noun: frameNoun(kind), digits: isCrowded ? 1 : 0 };
}

/** The noun for a frame of a source without times. */
export function frameNoun(kind: SourceKind): LabelStyle['noun'] {
  return kind === 'images' ? 'Image' : 'Slide';
}

/** `0:15`, `Slide 3`. */
export function frameLabel(frame: ResultFrame, { noun, digits }: LabelStyle): string {
  return frame.time === undefined ? `${noun} ${slideNumber(frame)}` : formatTime(frame.time, digits);
}

/** Returns `0:15–0:27` of a video unchanged, and `1–3` of a deck as `slides 1–3`. */
export function spanLabel(kind: SourceKind, span: string): string {
  return kind === 'video' ? span : `${frameNoun(kind).toLowerCase()}s ${span}`;
}

/** Number of a slide or image, from 1. */
export function slideNumber(frame: ResultFrame): number {
  return frame.slide ?? frame.index + 1;
}
