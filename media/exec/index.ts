export { errorFromOutput, inputArgs, pipeInputArgs, toMediaError } from './ffmpeg.ts';
export { findMediaTools, type MediaTools } from './media-tools.ts';
export { type Program, type ProgramExit, type ProgramOptions, runProgram, startProgram } from './process.ts';
