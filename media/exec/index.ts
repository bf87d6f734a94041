export { errorFromOutput, inputArgs, toMediaError } from './ffmpeg.ts';
export { findMediaTools, type MediaTools } from './media-tools.ts';
export { type Program, type ProgramExit, runProgram, startProgram } from './process.ts';
