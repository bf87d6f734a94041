export type { SampledFrame } from './frames.ts';
export { type SampleRequest, sampleVideo } from './sample-video.ts';
