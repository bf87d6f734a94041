/** Picks the frames of a whole video as a job does: decoded once, and each kept picture encoded. */
import {
  encodeJpeg,
  type MediaTools,
  probeVideo,
  type SampledFrame,
  sampleVideo,
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
  for await (const { picture, ...frame } of sampleVideo(
    tools,
    path,
    video,
    { start: 0, end: video.duration },
    sampler,
    LIMITS,
  )) {
    if (picture) await encodeJpeg(picture);
    frames.push(frame);
  }
  return frames;
}
