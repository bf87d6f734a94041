/**
 * The two forms of a frame on its way through the sampler: a candidate, and a decision with the kept image.
 */
import type { FrameDecision } from '../../schema/source.ts';
import type { RgbImage } from '../images/index.ts';
import { perceptualHash } from './perceptual-hash.ts';
import type { Plane } from './plane.ts';

/** A decoded frame that may be kept. */
export interface CandidateFrame {
  /** Presentation time in seconds from the first displayed frame of the video. */
  readonly time: number;
  /** The same time on the container's clock, in seconds. */
  readonly pts: number;
  /** Reduced luma and chroma: decisions depend on these alone. */
  readonly plane: Plane;
  /** The full image. Available until `RETAINED_CANDIDATES` more candidates have been yielded. */
  image(): Promise<RgbImage>;
}

/** The sampler's decision about one frame, with its image where the frame is kept. */
export interface SampledFrame extends Omit<FrameDecision, 'name' | 'slide' | 'time'> {
  /** Presentation time in seconds from the first displayed frame of the video. */
  readonly time: number;
  readonly image?: RgbImage;
}

/** What was decided about a candidate, before its image is loaded. */
export type Decision = Pick<FrameDecision, 'kept' | 'reason' | 'difference' | 'score'>;

/** Loads the image of a kept candidate and adds times and hash. */
export async function toSampledFrame(frame: CandidateFrame, decision: Decision): Promise<SampledFrame> {
  const { luma, width, height } = frame.plane;
  const { time, pts } = frame;
  const sampled = { time, pts, hash: perceptualHash(luma, width, height), ...decision };
  return decision.kept ? { ...sampled, image: await frame.image() } : sampled;
}
