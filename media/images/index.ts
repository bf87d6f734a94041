export { renderContactSheet } from './contact-sheet.ts';
export { countImages, DEFAULT_MAX_SIDE_PX, encodeJpeg, readImage } from './image.ts';
export { mapConcurrently } from './map-concurrently.ts';
export { fitWithin, type RgbImage, type Size } from './rgb-image.ts';
