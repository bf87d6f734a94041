/** What the public functions of media/ give for a file: its properties and the frames on a grid. */
import {
  findMediaTools,
  type MediaTools,
  type ProbedVideo,
  probeVideo,
  type RgbImage,
  type SampledFrame,
  sampleVideo,
} from '../../media/index.ts';
import { LIMITS } from './clips.ts';

let tools: Promise<MediaTools> | undefined;

export async function probed(path: string, videoTrack?: number): Promise<ProbedVideo> {
  tools ??= findMediaTools({});
  return probeVideo(await tools, path, { ...LIMITS, videoTrack });
}

/** The first frame of each `interval` seconds, of consecutive spans that end at `ends` and at the end. */
export async function framesOf(
  path: string,
  video: ProbedVideo,
  interval: number,
  ends: readonly number[] = [],
): Promise<SampledFrame[]> {
  tools ??= findMediaTools({});
  const frames: SampledFrame[] = [];
  let start = 0;
  for (const end of [...ends, 1e6]) {
    const span = { start, end, first: start === 0 ? 'keep' : 'compare' } as const;
    const request = { path, video, span, sampler: { origin: 0, interval }, ...LIMITS };
    for await (const frame of sampleVideo(await tools, request)) frames.push(frame);
    start = end;
  }
  return frames;
}

/** The number in the lower edge of a picture of shared/cases: eight fields, the highest bit first; white is 1. */
export function numberBelow({ data, width, height }: RgbImage): number {
  let number = 0;
  for (let bit = 0; bit < 8; bit++) {
    const x = Math.floor(((bit + 0.5) * width) / 8);
    number = 2 * number + ((data[((height - 8) * width + x) * 3] ?? 0) > 128 ? 1 : 0);
  }
  return number;
}
