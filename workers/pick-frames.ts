/** What a CPU worker does to a video first, for whoever wants to see it: the command line may not reach past the workers. */
export { type Picked, pickFrames } from '../activities/pick-frames.ts';
