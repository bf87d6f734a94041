export { type DeckPage, openDeck } from './deck.ts';
export { alignSlides, createSlideMatcher, MATCH_SIDE, slideLumas } from './match-slides.ts';
export { findOffice, type Office, withDrawnPptx } from './office.ts';
export { parsePages } from './pages.ts';
export { type PptxSlide, readPptx } from './pptx.ts';
