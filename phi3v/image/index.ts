export { decodeImage } from './decode-image.ts';
export { hdTransform, type PaddedImage } from './hd-transform.ts';
export { CROP_SIDE, countImageTokens, hdTransformSize } from './hd-transform-size.ts';
export { decodePaddedImage, encodePaddedImage } from './padded-file.ts';
export { countCrops, toPixelValues } from './pixel-values.ts';
export type { RgbImage } from './rgb-image.ts';
