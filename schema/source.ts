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
  readonly coding: FrameCoding;
  readonly frameRate: FrameRate;
  /**
   * The file says of some frames only when they are decoded (AVI, MPEG program streams): when they are shown is found out by
   * decoding all of them in order.
   */
  readonly lacksTimestamps?: true;
  /** In the order of the file. */
  readonly subtitles: readonly SubtitleTrack[];
}

/** How the frames of a video are stored, as far as showing them right depends on it. */
export interface FrameCoding {
  /** Degrees by which a stored frame is turned clockwise to stand upright. */
  readonly turn: 0 | 90 | 180 | 270;
  /** Whether it is mirrored, left for right, after it was turned. */
  readonly mirrored: boolean;
  /** `pq` and `hlg` are the two kinds of high dynamic range (ITU-R BT.2100). */
  readonly range: 'sdr' | 'pq' | 'hlg';
  /** What stored colours mean where the file itself does not say; absent where it does. */
  readonly matrix?: 'bt709' | 'bt2020';
  /** Whether frames may consist of two fields, taken one after the other. */
  readonly interlaced: boolean;
}

export interface FrameRate {
  /** `variable`: frames do not all stand equally long. */
  readonly kind: 'constant' | 'variable';
  /** Frames a second. */
  readonly average: number;
}

/** Words that come with a video. */
export interface SubtitleTrack {
  /** Number of the stream in the file, from 0, as ffmpeg counts. */
  readonly index: number;
  /** ffmpeg's name of the format, such as `subrip`, `ass`, `mov_text`, `webvtt`, `dvb_subtitle`. */
  readonly codec: string;
  /** `picture`: drawn words, which cannot be read as text. */
  readonly form: 'text' | 'picture';
  /** As the file names it, mostly ISO 639-2. */
  readonly language?: string;
  readonly title?: string;
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
  /** What it is worth when there are too many, 0 to 1; without: whatever there is room for. */
  readonly score?: number;
}

/** Words and when they are spoken or shown: seconds from the first shown frame. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Why a picture was kept, or was not.
 *  - kept: `first` of the source, `chunk_start`, `cut` (another shot or slide), `dissolve` (the same, gradually), `changed`
 *    (something new, and come to rest), `moving` (a sample of something that does not come to rest), `placeholder` (for a slide
 *    that could not be drawn);
 *  - dropped: `duplicate` of the one kept before, `moving` (sampled lately), `transition` (a better one follows at once),
 *    `same_shot` (mode `scene`), `black` (another follows), `budget` (of less worth than `max_frames` others).
 */
export type FrameReason =
  | 'first'
  | 'placeholder'
  | 'chunk_start'
  | 'cut'
  | 'dissolve'
  | 'changed'
  | 'moving'
  | 'duplicate'
  | 'transition'
  | 'same_shot'
  | 'black'
  | 'budget';

/** One decision of the sampler: a line of `frames.jsonl`. */
export interface FrameDecision {
  /** Videos: presentation time in seconds from the first shown frame. */
  readonly time?: number;
  /** The same on the container's clock. */
  readonly pts?: number;
  readonly slide?: number;
  /** Artifact of the picture, where kept: its name is the SHA-256 of its bytes. */
  readonly name?: string;
  /** Videos: perceptual hash, 16 hexadecimal digits; pictures that look alike share most of its bits. */
  readonly hash?: string;
  readonly kept: boolean;
  readonly reason: FrameReason;
  /** Perceptual difference to the last kept picture, 0 to 1. */
  readonly difference: number;
  /** Videos: what the picture is worth when there are too many, 0 to 1; 0 where it was not kept. */
  readonly score?: number;
}
