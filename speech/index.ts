/** Transcribes speech with Whisper on ONNX Runtime. */
export { convertWhisper } from './convert/index.ts';
export type { Sound, SpeechCue, Transcriber, Transcription } from './transcriber.ts';
export { createTranscriber, type TranscriberOptions } from './transcriber-process.ts';
