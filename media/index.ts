/** Reading videos, decks and images, and knowing when each picture was shown. */
export { openZip, type ZipPackage } from './archive/index.ts';
export { SPEECH_PIECE, transcribePiece } from './audio/index.ts';
export {
  alignSlides,
  createSlideMatcher,
  type DeckPage,
  findOffice,
  MATCH_SIDE,
  type Office,
  openDeck,
  type PptxSlide,
  parsePages,
  readPptx,
  slideLumas,
  withDrawnPptx,
} from './decks/index.ts';
export { download } from './download/index.ts';
export { findMediaTools, type MediaTools } from './exec/index.ts';
export { sniff } from './formats/index.ts';
export {
  contactSheet,
  countImages,
  DEFAULT_MAX_SIDE,
  encodeJpeg,
  type Picture,
  readImage,
  workAhead,
} from './images/index.ts';
export type { MediaLimits } from './limits.ts';
export { type SampledFrame, sampleVideo } from './sampling/index.ts';
export { hasSound, MAX_WORDS_BYTES, parseWords, readSubtitleTrack, wordsTrack } from './subtitles/index.ts';
export { type ProbedVideo, probeVideo } from './video/index.ts';
