import type { FrameDecision } from '../../schema/source.ts';
import type { RgbImage } from '../images/index.ts';

/** A decision of the sampler, with the picture where it is kept. `time` is in seconds from the first shown frame. */
export interface SampledFrame extends Omit<FrameDecision, 'name' | 'slide' | 'time'> {
  readonly time: number;
  readonly image?: RgbImage;
}
