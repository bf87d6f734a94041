export {
  type Deck,
  type DeckPage,
  type DeckPageImage,
  type DeckPageText,
  openDeck,
  PAGE_TIME_LIMIT_MS,
} from './deck.ts';
export { alignSlides, createSlideMatcher, MATCH_MAX_SIDE_PX } from './match-slides.ts';
export { findLibreOffice, type LibreOffice, withRenderedPptx } from './office.ts';
export { parsePageRanges } from './page-ranges.ts';
export type { PptxSlide, PptxText } from './pptx.ts';
export { readPptx } from './read-pptx.ts';
export { type IntegralLuma, integralLuma } from './slide-signature.ts';
