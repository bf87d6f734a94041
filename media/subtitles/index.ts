export { chooseAudio, chooseSubtitles } from './choose-track.ts';
export { type PlacedCues, placeCues } from './cues.ts';
export type { ParsedCues, WrittenCue } from './parsed.ts';
export { type ReadTranscriptOptions, readTranscript } from './read-transcript.ts';
export { readSubtitleTrack } from './subtitle-track.ts';
export { MAX_TRANSCRIPT_BYTES, type ParsedTranscript, parseTranscript } from './transcript.ts';
