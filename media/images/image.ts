/** Reads pictures from JPEG, PNG, WebP, AVIF, GIF and TIFF, and writes them as JPEG. */

import { readFile, stat } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import { FrameloomError } from '../../core/errors.ts';
import { sharp } from '../../core/sharp.ts';
import { detectMediaKind, detectMediaKindOfBytes } from '../formats/index.ts';
import type { MediaLimits } from '../limits.ts';
import type { RgbImage } from './rgb-image.ts';

/** Long side of what is read, in pixels, unless said otherwise: what the largest grid of crops of a model can show. */
export const DEFAULT_MAX_SIDE_PX = 1344;

/** Seconds after which libvips gives up on one picture. */
const TIME_LIMIT = 30;

/**
 * Reads one picture: upright by its EXIF orientation, in sRGB, on white where it is transparent, made smaller to `maxSide`.
 * Of an animation the first frame, of a TIFF the page asked for, from 1. Throws `empty_source`, `source_missing`, `unsupported_media`, `media_too_large`, `media_truncated`.
 */
export async function readImage(
  source: string | Uint8Array,
  limits: Pick<MediaLimits, 'maxPixels'>,
  options: { readonly maxSide?: number; readonly page?: number } = {},
): Promise<RgbImage> {
  const bytes = typeof source === 'string' ? await readWhole(source, limits) : source;
  const side = options.maxSide ?? DEFAULT_MAX_SIDE_PX;
  const image = openImage(bytes, limits, (options.page ?? 1) - 1);
  try {
    const { data, info } = await image
      .timeout({ seconds: TIME_LIMIT })
      .autoOrient()
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new FrameloomError('unsupported_media', 'The picture has no RGB form.');
    return { data, width: info.width, height: info.height };
  } catch (error) {
    throw imageFailure(error);
  }
}

/** How many pictures a file holds: the pages of a TIFF, else one. Throws as `readImage` does. */
export async function countImages(
  bytes: Uint8Array,
  limits: Pick<MediaLimits, 'maxPixels'>,
): Promise<number> {
  try {
    const { format, pages } = await openImage(bytes, limits, 0).metadata();
    return format === 'tiff' ? (pages ?? 1) : 1;
  } catch (error) {
    throw imageFailure(error);
  }
}

function openImage(bytes: Uint8Array, limits: Pick<MediaLimits, 'maxPixels'>, page: number): Sharp {
  if (detectMediaKindOfBytes(bytes) !== 'image') {
    throw new FrameloomError('unsupported_media', 'The file is not an image.');
  }
  allowOnlyKnownLoaders();
  return sharp(bytes, {
    limitInputPixels: limits.maxPixels,
    failOn: 'error',
    sequentialRead: true,
    ...(page > 0 ? { page } : {}),
  });
}

/**
 * The picture as JPEG of quality 92 without chroma subsampling. The same picture gives the same bytes. Huffman tables made for
 * each picture would save 4 to 10 % of the bytes, and more than double the time.
 */
export async function encodeJpeg(picture: RgbImage): Promise<Buffer> {
  const { data, width, height } = picture;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4', optimiseCoding: false })
    .toBuffer();
}

async function readWhole(path: string, limits: Pick<MediaLimits, 'maxPixels'>): Promise<Uint8Array> {
  await detectMediaKind(path);
  const { size } = await stat(path);
  // The most that uncompressed 16-bit RGBA of that many pixels takes, with room for metadata.
  if (size > limits.maxPixels * 8 + 16 * 2 ** 20) {
    throw new FrameloomError('media_too_large', 'The image file is too large.');
  }
  return readFile(path);
}

function imageFailure(error: unknown): unknown {
  if (error instanceof FrameloomError || !(error instanceof Error)) return error;
  if (/pixel limit/i.test(error.message)) {
    return new FrameloomError('media_too_large', 'The picture has too many pixels.', { cause: error });
  }
  if (/timeout/i.test(error.message)) {
    return new FrameloomError('media_too_large', 'Decoding the picture took too long.', { cause: error });
  }
  return new FrameloomError('media_truncated', 'The picture is cut off or damaged.', { cause: error });
}

/**
 * libvips would also decode SVG, PDF and whatever else it was built with. Its list of loaders is one for the whole process,
 * and is set once: not again while a thread may be choosing its loader. phi3v/ sets the same list under the same mark.
 */
function allowOnlyKnownLoaders(): void {
  if (Reflect.has(sharp, HARDENED)) return;
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpegBuffer',
      'VipsForeignLoadPngBuffer',
      'VipsForeignLoadWebpBuffer',
      'VipsForeignLoadHeifBuffer', // AVIF: the package has no decoder for HEIC, and sniff lets none through
      'VipsForeignLoadNsgifBuffer',
      'VipsForeignLoadTiffBuffer',
    ],
  });
  sharp.cache(false);
  Reflect.set(sharp, HARDENED, true);
}

const HARDENED = Symbol.for('frameloom.sharp.loaders');
