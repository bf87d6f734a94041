export { shiftCues, tidyCues } from './cues.ts';
export { findTextTrack, hasAudio, readSubtitleTrack } from './subtitle-track.ts';
export { MAX_TRANSCRIPT_BYTES, parseTranscript } from './transcript.ts';
