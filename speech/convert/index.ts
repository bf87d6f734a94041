export { convertWhisper } from './convert-whisper.ts';
