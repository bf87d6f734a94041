/** Decodes what a request may carry: JPEG, PNG and WebP. Raw RGB needs no decoding: it is an `RgbImage` as it comes. */
import { sharp } from '../../core/sharp.ts';
import { ModelError } from '../../onnx/index.ts';
import type { RgbImage } from './rgb-image.ts';

/** Most pixels of a picture, unless said otherwise: 150 MB once decoded. */
const DEFAULT_MAX_PIXELS = 50_000_000;

/** Seconds after which libvips gives up on one picture. */
const DECODE_TIMEOUT_SECONDS = 30;

/**
 * Reads one picture at its full size, as `hdTransform` takes it: upright by its EXIF orientation, in sRGB, on white where
 * it is transparent. Of an animation the first frame. What it is, its first bytes say.
 *
 * @throws ModelError `image_invalid` for other formats, damaged pictures, and those of more than `maxPixels`.
 */
export async function decodeImage(
  bytes: Uint8Array,
  options: { readonly maxPixels?: number } = {},
): Promise<RgbImage> {
  const { maxPixels = DEFAULT_MAX_PIXELS } = options;
  if (!isSupportedFormat(bytes))
    throw new ModelError('image_invalid', 'The picture is not a JPEG, PNG or WebP file.');
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
    if (info.channels !== 3) throw new ModelError('image_invalid', 'The picture has no RGB form.');
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
    return new ModelError('image_invalid', 'The picture has too many pixels.', { cause: error });
  }
  if (/timeout/i.test(error.message)) {
    return new ModelError('image_invalid', 'Decoding the picture took too long.', { cause: error });
  }
  return new ModelError('image_invalid', 'The picture is cut off or damaged.', { cause: error });
}

/**
 * libvips would also decode SVG, PDF and whatever else it was built with. Its list of loaders is one for the whole process,
 * and is set once: not again while a thread may be choosing its loader. media/ sets the same list under the same mark.
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
