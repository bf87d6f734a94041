export { shiftCues, tidyCues } from './cues.ts';
export { hasSound, readSubtitleTrack, wordsTrack } from './subtitle-track.ts';
export { MAX_WORDS_BYTES, parseWords } from './subtitles.ts';
