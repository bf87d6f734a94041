/**
 * Properties of a source, and the frames and text extracted from it. Activities and the plan exchange these
 * types.
 */

/** A source that can be processed: unusable sources are rejected before one of these exists. */
export type SourceInfo = VideoInfo | DeckInfo | ImagesInfo;

export interface VideoInfo {
  readonly type: 'video';
  readonly sha256: string;
  readonly bytes: number;
  /** Seconds from the first displayed frame to the end of the last one. */
  readonly duration: number;
  /** Container time of the first displayed frame, in seconds; all other times count from it. */
  readonly startOffset: number;
  /** Size of an upright frame with square pixels. */
  readonly width: number;
  readonly height: number;
  readonly coding: FrameCoding;
  readonly frameRate: FrameRate;
  /**
   * Some frames have only a decoding time in the file (AVI, MPEG program streams): presentation times require
   * decoding all frames in order.
   */
  readonly lacksTimestamps?: true;
  /**
   * Seconds from the first displayed frame: no frame that appears before then is displayed for longer than
   * 0.2 s. Absent where that is not known.
   */
  readonly denseUntil?: number;
  /**
   * Present where the file must be read from its beginning, because its clock changes or because times after
   * a seek would be estimates.
   */
  readonly sequential?: { readonly parts: readonly ClockPart[]; readonly edits?: readonly InputEdit[] };
  /**
   * The end that is not read, in seconds from the first displayed frame: the file is truncated, or, with the
   * reason `unsupported_media`, it contains further recordings. `duration` does not include it.
   */
  readonly missing?: { readonly start: number; readonly end: number; readonly reason?: 'unsupported_media' };
  /** All streams of the file, in its order. */
  readonly tracks: readonly SourceTrack[];
  /** Number of the stream whose frames are read, one of `tracks`. */
  readonly videoTrack: number;
}

/** Properties of stored frames that are needed to display them correctly. */
export interface FrameCoding {
  /** Degrees by which a stored frame is rotated clockwise to be upright. */
  readonly turn: 0 | 90 | 180 | 270;
  /** Whether it is mirrored horizontally after the rotation. */
  readonly mirrored: boolean;
  /** `pq` and `hlg` are the two kinds of high dynamic range (ITU-R BT.2100). */
  readonly range: 'sdr' | 'pq' | 'hlg';
  /** Assumed color matrix if the file does not specify one; otherwise absent. */
  readonly matrix?: 'bt709' | 'bt2020';
  /** Whether frames have an alpha channel. */
  readonly transparent?: true;
  /** Name of ffmpeg's decoder, if it must not be the default one. */
  readonly decoder?: string;
  /** Whether frames may consist of two fields, taken one after the other. */
  readonly interlaced: boolean;
}

export interface FrameRate {
  /** `variable`: frames do not all last equally long. */
  readonly kind: 'constant' | 'variable';
  /** Frames per second. */
  readonly average: number;
}

/** A change of the bytes of a file before ffmpeg reads it. Edits are in the order of the file. */
export interface InputEdit {
  /** In the file itself, in bytes. */
  readonly position: number;
  /** Number of bytes that are left out. */
  readonly removed: number;
  /** Bytes that take their place, as hexadecimal digits. */
  readonly inserted: string;
}

/** A part of a file in which the clock of the container runs on. */
export interface ClockPart {
  /** Position of its first packet in the file, in bytes, after edits. */
  readonly position: number;
  /** Container time of its first frame, in seconds. */
  readonly start: number;
  /** Seconds that are added to container times so that the part follows the one before it; 0 for the first part. */
  readonly shift: number;
}

/** A stream of a video file. */
export interface SourceTrack {
  /** Number of the stream in the file, from 0, as ffmpeg counts. */
  readonly index: number;
  readonly type: 'video' | 'audio' | 'subtitles';
  /** ffmpeg's name of the format, such as `h264`, `aac`, `subrip`, `dvb_subtitle`. */
  readonly codec: string;
  /** Language code from the file, usually ISO 639-2. */
  readonly language?: string;
  readonly title?: string;
  /** Whether the file marks the track as the one to present without a choice of the viewer. */
  readonly default?: true;
  /** Whether the file marks the track as forced: it translates only signs or foreign speech. */
  readonly forced?: true;
  /**
   * Whom the track serves: `commentary` of the makers, `captions` for the deaf, `descriptions` for the blind.
   */
  readonly role?: 'commentary' | 'captions' | 'descriptions';
  /** A video track that is not part of the presentation: a cover image or thumbnails for players. */
  readonly poster?: true;
  /** Subtitles that are images of text; such tracks cannot be read. */
  readonly bitmap?: true;
}

export interface DeckInfo {
  readonly type: 'deck';
  readonly sha256: string;
  readonly bytes: number;
  readonly pages: number;
  /** Title in the properties of the document. */
  readonly title?: string;
}

export interface ImagesInfo {
  readonly type: 'images';
  /** Digest of the list of the images' hashes. */
  readonly sha256: string;
  readonly bytes: number;
  readonly pages: number;
}

/** A kept frame. `name` is the artifact with its JPEG, which users and the model see. */
export interface Frame {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Videos: presentation time in seconds from the first displayed frame. */
  readonly time?: number;
  /** Decks and image lists: number from 1. */
  readonly slide?: number;
  /** A blank image in place of a slide that could not be rendered: the slide text describes it. */
  readonly placeholder?: true;
  /**
   * Priority if the budget does not allow all frames, 0 to 1. Without it, frames are selected by position.
   */
  readonly score?: number;
}

/** One timed line of a transcript, in seconds from the first displayed frame. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * Numbers of cues and texts without a place in a result, by reason:
 *  - `no_time`: the time is missing or cannot be read; `no_text`: no words, only markup or a drawing;
 *  - `before_start`: ends before the first displayed frame; `after_end`: begins after the end of the source;
 *  - `outside_range`: begins outside of the requested range; `in_gap`: begins in a segment that was not
 *    described; `too_long`: the transcript of its segment has reached its limit.
 */
export type SkippedCues = Partial<
  Record<
    'no_time' | 'no_text' | 'before_start' | 'after_end' | 'outside_range' | 'in_gap' | 'too_long',
    number
  >
>;

/**
 * Why a frame was kept or dropped.
 *  - kept: `first` of the source, `chunk_start`, `cut` (another shot or slide), `dissolve` (the same,
 *    gradually), `changed` (new content that has come to rest), `moving` (a sample of content that does not
 *    come to rest), `placeholder` (for a slide that could not be rendered);
 *  - dropped: `duplicate` of the last kept frame, `moving` (sampled lately), `transition` (a better one
 *    follows at once), `same_shot` (mode `scene`), `black` (another follows), `budget` (a lower score than
 *    `max_frames` others).
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

/**
 * One decision of the sampler: a line of `frames.jsonl`. A `SampledFrame` of media/ has the image as well.
 */
export interface FrameDecision {
  /** Videos: presentation time in seconds from the first displayed frame. */
  readonly time?: number;
  /** Presentation time in the container, in seconds. */
  readonly pts?: number;
  readonly slide?: number;
  /** Artifact of the image of a kept frame: its name is the SHA-256 of its bytes. */
  readonly name?: string;
  /** Videos: perceptual hash, 16 hexadecimal digits; similar images share most of its bits. */
  readonly hash?: string;
  readonly kept: boolean;
  readonly reason: FrameReason;
  /** Perceptual difference from the last kept frame, 0 to 1. */
  readonly difference: number;
  /** Videos: priority if the budget does not allow all frames, 0 to 1; 0 for a dropped frame. */
  readonly score?: number;
}
