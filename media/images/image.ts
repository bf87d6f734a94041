/** Decodes images (JPEG, PNG, WebP, AVIF, GIF, TIFF) and encodes them as JPEG. */

import { readFile, stat } from 'node:fs/promises';
import type { Sharp } from 'sharp';
import { FrameloomError } from '../../core/errors.ts';
import { sharp } from '../../core/sharp.ts';
import { detectMediaKind, detectMediaKindOfBytes } from '../formats/index.ts';
import type { MediaLimits } from '../limits.ts';
import type { RgbImage } from './rgb-image.ts';

/** Default long side of decoded images: what the largest grid of crops of the model can show. */
export const DEFAULT_MAX_SIDE_PX = 1344;

/** Time after which libvips stops decoding an image. */
const TIME_LIMIT_SECONDS = 30;

/**
 * Decodes one image from a file or from bytes: upright by its EXIF orientation, in sRGB, on white where it is
 * transparent, scaled down to a long side of `maxSide` pixels. Decodes the first frame of an animation and
 * page `page`, from 1, of a TIFF.
 *
 * @throws FrameloomError `empty_source`, `source_missing`, `unsupported_media`, `media_too_large`,
 *   `media_truncated`
 */
export async function readImage(
  source: string | Uint8Array,
  limits: Pick<MediaLimits, 'maxPixels'>,
  options: { readonly maxSide?: number; readonly page?: number } = {},
): Promise<RgbImage> {
  const bytes = typeof source === 'string' ? await readWhole(source, limits) : source;
  const open = { page: (options.page ?? 1) - 1, maxPixels: limits.maxPixels };
  const side = options.maxSide ?? DEFAULT_MAX_SIDE_PX;
  try {
    return await decode(openImage(bytes, open), side);
  } catch (error) {
    const completed = withEndMarker(bytes);
    if (completed === undefined || !(error instanceof FrameloomError) || error.code !== 'media_truncated')
      throw error;
    // Even a warning counts here: it tells a JPEG that lacks pixels from one that lacks only its last
    // marker.
    return await decode(openImage(completed, { ...open, failOn: 'warning' }), side);
  }
}

async function decode(image: Sharp, side: number): Promise<RgbImage> {
  try {
    const { data, info } = await image
      .timeout({ seconds: TIME_LIMIT_SECONDS })
      .autoOrient()
      .resize(side, side, { fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3)
      throw new FrameloomError(
        'unsupported_media',
        'The image cannot be converted to RGB. Save it as JPEG or PNG.',
      );
    return { data, width: info.width, height: info.height };
  } catch (error) {
    throw imageFailure(error);
  }
}

/**
 * Returns the number of images in a file: the pages of a TIFF, else 1.
 *
 * @throws FrameloomError as `readImage` does
 */
export async function countImages(
  bytes: Uint8Array,
  limits: Pick<MediaLimits, 'maxPixels'>,
): Promise<number> {
  try {
    const { format, pages } = await openImage(bytes, { page: 0, maxPixels: limits.maxPixels }).metadata();
    return format === 'tiff' ? (pages ?? 1) : 1;
  } catch (error) {
    throw imageFailure(error);
  }
}

/** A JPEG with the marker that ends it, which interrupted copies lack; undefined for anything else. */
function withEndMarker(bytes: Uint8Array): Buffer | undefined {
  const isJpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
  return isJpeg ? Buffer.concat([bytes, Buffer.from([0xff, 0xd9])]) : undefined;
}

function openImage(
  bytes: Uint8Array,
  {
    page,
    maxPixels,
    failOn = 'error',
  }: { readonly page: number; readonly maxPixels: number; readonly failOn?: 'error' | 'warning' },
): Sharp {
  if (detectMediaKindOfBytes(bytes) !== 'image') {
    throw new FrameloomError(
      'unsupported_media',
      'The file is not an image. Use JPEG, PNG, WebP, AVIF, GIF or TIFF.',
    );
  }
  allowOnlyKnownLoaders();
  return sharp(bytes, {
    limitInputPixels: maxPixels,
    failOn,
    sequentialRead: true,
    ...(page > 0 ? { page } : {}),
  });
}

/**
 * Encodes an image as JPEG of quality 92 without chroma subsampling. The same image gives the same bytes.
 * Optimized Huffman tables would save 4 to 10 % of the bytes and more than double the time.
 */
export async function encodeJpeg({ data, width, height }: RgbImage): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92, chromaSubsampling: '4:4:4', optimiseCoding: false })
    .toBuffer();
}

async function readWhole(path: string, limits: Pick<MediaLimits, 'maxPixels'>): Promise<Uint8Array> {
  await detectMediaKind(path);
  const { size } = await stat(path);
  // The most that uncompressed 16-bit RGBA of that many pixels takes, plus 16 MiB of metadata.
  const maxBytes = limits.maxPixels * 8 + 16 * 2 ** 20;
  if (size > maxBytes) {
    throw new FrameloomError('media_too_large', `The image file has more than ${maxBytes} bytes.`);
  }
  return readFile(path);
}

function imageFailure(error: unknown): unknown {
  if (error instanceof FrameloomError || !(error instanceof Error)) return error;
  if (/pixel limit/i.test(error.message)) {
    return new FrameloomError('media_too_large', 'The image has too many pixels. Scale it down.', {
      cause: error,
    });
  }
  if (/timeout/i.test(error.message)) {
    return new FrameloomError(
      'media_too_large',
      'Decoding the image took too long. Save it as JPEG or PNG.',
      { cause: error },
    );
  }
  return new FrameloomError('media_truncated', 'The image is cut off or damaged. Upload it again.', {
    cause: error,
  });
}

/**
 * libvips would also decode SVG, PDF and any other format that it was built with. Its list of loaders is
 * global to the process and is set once, never while a thread may be choosing a loader. phi3v/ sets the same
 * list and checks the same symbol.
 */
function allowOnlyKnownLoaders(): void {
  if (Reflect.has(sharp, HARDENED)) return;
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: [
      'VipsForeignLoadJpegBuffer',
      'VipsForeignLoadPngBuffer',
      'VipsForeignLoadWebpBuffer',
      // AVIF: the package has no decoder for HEIC, and detectMediaKind rejects it.
      'VipsForeignLoadHeifBuffer',
      'VipsForeignLoadNsgifBuffer',
      'VipsForeignLoadTiffBuffer',
    ],
  });
  sharp.cache(false);
  Reflect.set(sharp, HARDENED, true);
}

const HARDENED = Symbol.for('frameloom.sharp.loaders');
