export { sampleVideo } from './sample-video.ts';
export type { SampledFrame } from './sampled-frame.ts';
