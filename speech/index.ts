/** Transcribes speech with Whisper on ONNX Runtime. */
export { convertWhisper } from './convert/index.ts';
