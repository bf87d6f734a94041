export { CROP_SIDE, hdSize, imageTokens } from './hd-size.ts';
export { hdTransform, type PaddedImage } from './hd-transform.ts';
export { decodePadded, encodePadded } from './padded-file.ts';
export { cropCount, pixelValues } from './pixel-values.ts';
export { readPicture } from './read-image.ts';
export type { RgbImage } from './rgb-image.ts';
