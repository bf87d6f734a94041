/** Decodes JPEG, PNG and WebP. */
import { sharp } from '../../core/sharp.ts';
import { ModelError } from '../../onnx/index.ts';
import type { RgbImage } from './rgb-image.ts';

/** 150 MB once decoded. */
const DEFAULT_MAX_PIXELS = 50_000_000;

/** Time limit of libvips for one image. */
const DECODE_TIMEOUT_SECONDS = 30;

/**
 * Decodes an image at its full size, for `hdTransform`: rotated by its EXIF orientation, in sRGB, with a
 * white background where it is transparent; the first frame of an animation. The format is detected from the
 * first bytes.
 *
 * @param options.maxPixels limit of width × height. Default 50 million.
 * @throws ModelError `image_invalid` for other formats, damaged images, and those above `maxPixels`.
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: { readonly maxPixels?: number } = {},
): Promise<RgbImage> {
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  if (!isSupportedFormat(bytes))
    throw new ModelError('image_invalid', 'The image is not a JPEG, PNG or WebP file.');
  allowOnlyKnownLoaders();
  try {
    const { data, info } = await sharp(bytes, {
      limitInputPixels: maxPixels,
      failOn: 'error',
      sequentialRead: true,
    })
      .timeout({ seconds: DECODE_TIMEOUT_SECONDS })
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new ModelError('image_invalid', 'The image cannot be converted to RGB.');
    return { data, width: info.width, height: info.height };
  } catch (error) {
    throw toImageError(error);
  }
}

function isSupportedFormat(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12)).toString('latin1');
  return (
    head.startsWith('\xff\xd8\xff') ||
    head.startsWith('\x89PNG\r\n\x1a\n') ||
    (head.startsWith('RIFF') && head.endsWith('WEBP'))
  );
}

function toImageError(error: unknown): unknown {
  if (error instanceof ModelError || !(error instanceof Error)) return error;
  if (/pixel limit/i.test(error.message)) {
    return new ModelError('image_invalid', 'The image has too many pixels.', { cause: error });
  }
  if (/timeout/i.test(error.message)) {
    return new ModelError('image_invalid', 'Decoding the image took too long.', { cause: error });
  }
  return new ModelError('image_invalid', 'The image is truncated or damaged.', { cause: error });
}

/**
 * libvips could also decode SVG, PDF and other formats, depending on its build. Its list of loaders is global
 * to the process and must not change while a thread selects a loader: it is set once, by this module or by
 * media/, which shares the marker.
 */
function allowOnlyKnownLoaders(): void {
  if (Reflect.has(sharp, HARDENED)) return;
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({
    operation: ['VipsForeignLoadJpegBuffer', 'VipsForeignLoadPngBuffer', 'VipsForeignLoadWebpBuffer'],
  });
  sharp.cache(false);
  Reflect.set(sharp, HARDENED, true);
}

const HARDENED = Symbol.for('frameloom.sharp.loaders');
