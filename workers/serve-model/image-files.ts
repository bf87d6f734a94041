/** Pictures of a request as the files that the runtime takes. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FrameloomError } from '../../core/errors.ts';
import { readImage } from '../../media/index.ts';
import { encodePaddedImage, hdTransform, type ImageFile, type RgbImage } from '../../phi3v/index.ts';
import { badRequest, type ChatError } from './chat-error.ts';
import { MAX_IMAGE_BYTES } from './limits.ts';
import type { PromptImage } from './prompt.ts';

/**
 * No picture is made smaller before the transform of the model does it: that is part of what the model was
 * trained on.
 */
const MAX_SIDE = 65_535;

const DATA_ADDRESS = /^data:image\/(?:png|jpeg|jpg|webp);base64,/i;

export interface ImageFileOptions {
  /** Folder for files that live no longer than a request. */
  readonly scratch: string;
  readonly maxPixels: number;
  /** Goes into the key of the features: another model makes others. */
  readonly revision: string;
  /** `num_crops` of a picture. */
  readonly cropsOf: (picture: PromptImage) => number;
}

/**
 * Calls `use` with the pictures as files, which are removed afterwards.
 *
 * @throws ChatError 400 for what cannot be read; ModelError `image_invalid`.
 */
export async function withImageFiles<T>(
  pictures: readonly PromptImage[],
  { scratch, maxPixels, revision, cropsOf }: ImageFileOptions,
  signal: AbortSignal,
  use: (images: readonly ImageFile[]) => Promise<T>,
): Promise<T> {
  if (pictures.length === 0) return use([]);
  const folder = await mkdtemp(join(scratch, 'chat-'));
  try {
    const images: ImageFile[] = [];
    // One after another: decoded they are large.
    for (const [index, picture] of pictures.entries()) {
      signal.throwIfAborted();
      const padded = encodePaddedImage(hdTransform(await decode(picture, maxPixels), cropsOf(picture)));
      const path = join(folder, `${index}.bin`);
      await writeFile(path, padded);
      images.push({
        key: `${revision}/${createHash('sha256').update(padded).digest('hex')}`,
        path: path,
      });
    }
    return await use(images);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function decode({ url, param }: PromptImage, maxPixels: number): Promise<RgbImage> {
  const [prefix] = DATA_ADDRESS.exec(url) ?? [];
  if (prefix === undefined) {
    throw badRequest(
      param,
      'Pictures must be data URLs with PNG, JPEG or WebP in base64; none is fetched from elsewhere.',
      'invalid_image_url',
    );
  }
  const text = url.slice(prefix.length);
  if ((text.length * 3) / 4 > MAX_IMAGE_BYTES + 2) {
    throw invalid(param, `A picture may have at most ${MAX_IMAGE_BYTES} bytes.`);
  }
  const bytes = Buffer.from(text, 'base64');
  // Node passes over what is not base64, which would make another picture of it, or half of one.
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw invalid(param, 'The picture is not in base64.');
  }
  try {
    return await readImage(bytes, { maxPixels }, { maxSide: MAX_SIDE });
  } catch (error) {
    if (error instanceof FrameloomError) throw invalid(param, error.message);
    throw error;
  }
}

function invalid(param: string, message: string): ChatError {
  return badRequest(param, message, 'invalid_image');
}
