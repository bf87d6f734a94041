/** Images of a request as the files that a generator reads. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FrameloomError } from '../../core/errors.ts';
import { readImage } from '../../media/index.ts';
import { encodePaddedImage, hdTransform, type ImageFile, type RgbImage } from '../../phi3v/index.ts';
import { badRequest, type ChatError } from './chat-error.ts';
import { MAX_IMAGE_BYTES } from './limits.ts';
import type { PromptImage } from './prompt.ts';

/** Images are not downscaled before the HD transform, whose resizing is what the model was trained with. */
const MAX_SIDE_PX = 65_535;

const DATA_URL = /^data:image\/(?:png|jpeg|jpg|webp)(?:;[\w-]+=[\w-]+)*;\s*base64,/i;

export interface ImageFileOptions {
  /** Folder for files that are deleted at the end of the request. */
  readonly scratch: string;
  readonly maxPixels: number;
  /** Revision of the model, part of the key of the features. */
  readonly revision: string;
  /** `num_crops` of an image. */
  readonly cropsOf: (image: PromptImage) => number;
}

/**
 * Calls `use` with the images as files, which are deleted afterwards.
 *
 * @throws ChatError 400 for images that cannot be read; ModelError `image_invalid`.
 */
export async function withImageFiles<T>(
  images: readonly PromptImage[],
  { scratch, maxPixels, revision, cropsOf }: ImageFileOptions,
  signal: AbortSignal,
  use: (files: readonly ImageFile[]) => Promise<T>,
): Promise<T> {
  if (images.length === 0) return use([]);
  const folder = await mkdtemp(join(scratch, 'chat-'));
  try {
    const files: ImageFile[] = [];
    // One after another, since decoded images are large.
    for (const [index, image] of images.entries()) {
      signal.throwIfAborted();
      const padded = encodePaddedImage(hdTransform(await decode(image, maxPixels), cropsOf(image)));
      const path = join(folder, `${index}.bin`);
      await writeFile(path, padded);
      files.push({
        key: `${revision}/${createHash('sha256').update(padded).digest('hex')}`,
        path: path,
      });
    }
    return await use(files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function decode({ url, param }: PromptImage, maxPixels: number): Promise<RgbImage> {
  const [prefix] = DATA_URL.exec(url) ?? [];
  if (prefix === undefined) {
    throw badRequest(
      param,
      'Images must be data URLs with PNG, JPEG or WebP in base64; other URLs are not fetched.',
      'invalid_image_url',
    );
  }
  // Encoders break lines after 64 or 76 characters (RFC 2045).
  const text = url.slice(prefix.length).replace(/\s+/g, '');
  if ((text.length * 3) / 4 > MAX_IMAGE_BYTES + 2) {
    throw invalid(param, `The image exceeds ${MAX_IMAGE_BYTES} bytes.`);
  }
  const bytes = Buffer.from(text, 'base64');
  // Node skips characters that are not base64, which would give another image or a part of it.
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw invalid(param, 'The image is not valid base64.');
  }
  try {
    return await readImage(bytes, { maxPixels }, { maxSide: MAX_SIDE_PX });
  } catch (error) {
    if (error instanceof FrameloomError) throw invalid(param, error.message);
    throw error;
  }
}

function invalid(param: string, message: string): ChatError {
  return badRequest(param, message, 'invalid_image');
}
