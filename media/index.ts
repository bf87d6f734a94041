/**
 * Reads videos, decks, images and subtitles: detect, probe, decode, sample, render. No Temporal, no model.
 */
export { openZip } from './archive/index.ts';
export { AUDIO_SECTION_SECONDS, transcribeSection } from './audio/index.ts';
export {
  alignSlides,
  createSlideMatcher,
  type Deck,
  type DeckPage,
  type DeckPageImage,
  type DeckPageText,
  findLibreOffice,
  type IntegralLuma,
  integralLuma,
  type LibreOffice,
  MATCH_MAX_SIDE_PX,
  openDeck,
  PAGE_TIME_LIMIT_MS,
  type PptxSlide,
  type PptxText,
  parsePageRanges,
  readPptx,
  withRenderedPptx,
} from './decks/index.ts';
export { download } from './download/index.ts';
export { findMediaTools, type MediaTools } from './exec/index.ts';
export { detectMediaKind } from './formats/index.ts';
export {
  countImages,
  DEFAULT_MAX_SIDE_PX,
  encodeJpeg,
  mapConcurrently,
  type RgbImage,
  readImage,
  renderContactSheet,
} from './images/index.ts';
export type { MediaLimits } from './limits.ts';
export { type SampledFrame, type SampleRequest, sampleVideo } from './sampling/index.ts';
export {
  chooseAudio,
  chooseSubtitles,
  MAX_TRANSCRIPT_BYTES,
  type ParsedTranscript,
  type PlacedCues,
  parseTranscript,
  type ReadTranscriptOptions,
  readSubtitleTrack,
  readTranscript,
} from './subtitles/index.ts';
export { type ProbedVideo, probeVideo } from './video/index.ts';
