/** Picks the frames of a whole video as a job does: decoded once, and each kept picture encoded. */
import {
  encodeJpeg,
  type MediaTools,
  probeVideo,
  type SampledFrame,
  sampleVideo,
  workAhead,
} from '../../media/index.ts';

const LIMITS = { maxPixels: 2 ** 26 };

export async function pickAll(
  tools: MediaTools,
  path: string,
  mode: 'adaptive' | 'scene' | 'keyframe',
): Promise<Omit<SampledFrame, 'picture'>[]> {
  const video = await probeVideo(tools, path, LIMITS);
  const sampler = { mode, windows: { origin: 0, end: video.duration, seconds: 120 } };
  const frames: Omit<SampledFrame, 'picture'>[] = [];
  const sampled = sampleVideo(tools, path, video, { start: 0, end: video.duration }, sampler, LIMITS);
  const encoded = workAhead(sampled, async ({ picture, ...frame }) => {
    if (picture) await encodeJpeg(picture);
    return frame;
  });
  for await (const frame of encoded) frames.push(frame);
  return frames;
}
