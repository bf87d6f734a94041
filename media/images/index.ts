export { contactSheet } from './contact-sheet.ts';
export { countImages, DEFAULT_MAX_SIDE, encodeJpeg, readImage } from './image.ts';
export { fitWithin, type Picture, type Size } from './picture.ts';
export { workAhead } from './work-ahead.ts';
