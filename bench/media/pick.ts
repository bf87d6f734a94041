/** Selects the frames of a whole video as a job does: decodes once and encodes each kept image. */
import {
  encodeJpeg,
  type MediaTools,
  mapConcurrently,
  probeVideo,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';

const LIMITS = { maxPixels: 2 ** 26 };

type Decision = Omit<SampledFrame, 'image'>;

/** Yields the decisions of a whole video, each after its image is encoded if it is kept. */
export async function* pick(
  tools: MediaTools,
  path: string,
  mode: 'adaptive' | 'scene' | 'keyframe',
): AsyncGenerator<Decision> {
  const video = await probeVideo(tools, path, LIMITS);
  const sampler = { mode, windows: { origin: 0, end: video.duration, seconds: 120 } };
  const sampled = sampleVideo(tools, {
    path,
    video,
    span: { start: 0, end: video.duration },
    sampler,
    ...LIMITS,
  });
  yield* mapConcurrently(sampled, async ({ image, ...frame }) => {
    if (image) await encodeJpeg(image);
    return frame;
  });
}

export async function pickAll(...args: Parameters<typeof pick>): Promise<Decision[]> {
  const frames: Decision[] = [];
  for await (const frame of pick(...args)) frames.push(frame);
  return frames;
}
