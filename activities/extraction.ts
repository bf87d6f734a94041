/** The artifact that one extraction leaves: its frames, every decision of the sampler, and the words of its slides. */
import type { ResultSlide } from '../schema/result.ts';
import type { Frame, FrameDecision } from '../schema/source.ts';

/** Part of the name of every extraction: raise it when the same input would give other frames. */
export const EXTRACTION_VERSION = 2;

export interface Extraction {
  readonly frames: readonly Frame[];
  readonly decisions: readonly FrameDecision[];
  readonly slides: readonly ResultSlide[];
}
