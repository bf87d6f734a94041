export { inputArgs, mediaFailure, told } from './ffmpeg.ts';
export { findMediaTools, type MediaTools } from './media-tools.ts';
export { type Ending, type Program, runProgram, startProgram } from './process.ts';
