/** What the CPU side finds out about a source, and what it takes from it. These travel between activities and the plan. */

/** A source that can be processed: everything unusable was refused before this exists. */
export type SourceInfo = VideoInfo | DeckInfo | ImagesInfo;

export interface VideoInfo {
  readonly type: 'video';
  readonly sha256: string;
  readonly bytes: number;
  /** Seconds from the first shown frame to the end of the last one. */
  readonly duration: number;
  /** Container time of the first shown frame, in seconds; all other times count from it. */
  readonly startOffset: number;
  /** Size of an upright frame with square pixels. */
  readonly width: number;
  readonly height: number;
}

export interface DeckInfo {
  readonly type: 'deck';
  readonly sha256: string;
  readonly bytes: number;
  readonly pages: number;
}

export interface ImagesInfo {
  readonly type: 'images';
  /** Digest of the list of the pictures' hashes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly pages: number;
}

/** A kept picture. `name` is its artifact: the JPEG that people and the model both see. */
export interface Frame {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Videos: presentation time in seconds from the first shown frame. */
  readonly time?: number;
  /** Decks and image lists: number from 1. */
  readonly slide?: number;
  /** The picture only stands for a slide that could not be drawn: the words of the slide describe it. */
  readonly placeholder?: true;
}

/** Words and when they are spoken or shown: seconds from the first shown frame. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** One decision of the sampler: a line of `frames.jsonl`. */
export interface FrameDecision {
  readonly time?: number;
  readonly slide?: number;
  /** Artifact of the picture, where kept. */
  readonly name?: string;
  readonly kept: boolean;
  readonly reason: 'first' | 'changed' | 'duplicate' | 'chunk_start' | 'placeholder';
  /** Perceptual difference to the last kept picture, 0 to 1. */
  readonly difference: number;
}
