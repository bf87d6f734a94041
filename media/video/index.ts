export {
  checkTime,
  type DecodeOptions,
  decodeFrames,
  type Grid,
  gridIndex,
  inputArgsFrom,
  landing,
  pictures,
  rawOutput,
  selection,
  TIME_SLACK,
  type TimedData,
  type TimedPicture,
  timedData,
} from './decode.ts';
export { probeHeaders } from './ffprobe.ts';
export { fieldFilters, pictureFilters, planeFilters, storedSize, turnFilters } from './frame-filters.ts';
export { type ProbedVideo, probeVideo } from './probe.ts';
export { Stamps } from './timestamp-reader.ts';
