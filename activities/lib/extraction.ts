/** The artifact of an extraction: its frames, every decision of the sampler, and the text of its slides. */
import type { ErrorCode } from '../../core/errors.ts';
import type { ResultSlide } from '../../schema/result.ts';
import type { Frame, FrameDecision } from '../../schema/source.ts';

/** A slide of which the image, part of it, or the text is missing, and the reason. */
export interface SlideGap {
  readonly slide: number;
  readonly reason: ErrorCode;
  /** What happened, for people. */
  readonly message?: string;
  /** The slide has its image: the slide counts as covered. */
  readonly hasImage?: true;
}

/** A stretch of a video that the file lacks, in seconds from the first displayed frame, and the reason. */
export interface TimeGap {
  readonly start_time: number;
  readonly end_time: number;
  readonly reason: ErrorCode;
}

/** Part of the names of extractions. Increase it when the same input would give other frames. */
export const EXTRACTION_VERSION = 9;

export interface Extraction {
  readonly frames: readonly Frame[];
  readonly decisions: readonly FrameDecision[];
  readonly slides: readonly ResultSlide[];
  readonly gaps: readonly (SlideGap | TimeGap)[];
}
