export { SPEECH_PIECE, transcribePiece } from './transcribe.ts';
