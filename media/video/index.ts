export {
  createPick,
  type DecodedFrame,
  type DecodeRequest,
  decodeFrames,
  type Grid,
  gridIndex,
  rawVideoOutput,
  readRawFrames,
  readTimedFrames,
  selectExpression,
  TIME_SLACK,
  type TimedBytes,
  verifyChecksum,
  withRunUp,
} from './decode.ts';
export {
  backgroundFilters,
  fieldFilters,
  planeFilters,
  rgbFilters,
  scaleFilters,
  storedSize,
  turnFilters,
} from './frame-filters.ts';
export { findStands, type Stand } from './frame-stands.ts';
export { readEdited } from './joined-files.ts';
export { type ProbedVideo, probeVideo } from './probe.ts';
export { cueFilter, type DecodeOptions, startDecoder, startPartDecoder } from './start-decoder.ts';
export { TimestampReader } from './timestamp-reader.ts';
