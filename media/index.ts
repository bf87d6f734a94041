/** Reading videos, decks and images, and knowing when each picture was shown. */
export { type Deck, type DeckPage, openDeck } from './deck.ts';
export type { Grid } from './decode.ts';
export { type DownloadLimits, download } from './download.ts';
export { countImages, DEFAULT_MAX_SIDE, encodeJpeg, readImage } from './image.ts';
export type { MediaLimits } from './limits.ts';
export { alignSlides, createSlideMatcher, MATCH_SIDE, slideLumas } from './match-slides.ts';
export { findOffice, type Office, withDrawnPptx } from './office.ts';
export { parsePages } from './pages.ts';
export type { Picture } from './picture.ts';
export { type PptxSlide, readPptx } from './pptx.ts';
export { type ProbedVideo, probeVideo } from './probe.ts';
export { type SampledFrame, type SampleOptions, type Span, sampleVideo } from './sample.ts';
export { type MediaKind, sniff } from './sniff.ts';
export { SPEECH_PIECE, transcribePiece } from './speech.ts';
export { findWords, readSubtitleTrack } from './subtitle-track.ts';
export { MAX_WORDS_BYTES, parseWords } from './subtitles.ts';
export { findMediaTools, type MediaTools } from './tools.ts';
export { openZip, type ZipPackage } from './zip.ts';
