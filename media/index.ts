/** Reading videos, decks and images, and knowing when each picture was shown. */
export { type Deck, type DeckPage, openDeck } from './deck.ts';
export type { Grid } from './decode.ts';
export { type DownloadLimits, download } from './download.ts';
export { encodeJpeg, readImage } from './image.ts';
export type { MediaLimits } from './limits.ts';
export { parsePages } from './pages.ts';
export type { Picture } from './picture.ts';
export { type ProbedVideo, probeVideo } from './probe.ts';
export { type SampledFrame, type SampleOptions, type Span, sampleVideo } from './sample.ts';
export { type MediaKind, sniff } from './sniff.ts';
export { findMediaTools, type MediaTools } from './tools.ts';
