export { AUDIO_SECTION_SECONDS, transcribeSection } from './transcribe-section.ts';
