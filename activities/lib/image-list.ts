/** The list of a source of images: which can be decoded, and why the others cannot. */
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import { countImages, type MediaLimits, readImage } from '../../media/index.ts';
import type { ArtifactInfo } from '../../store/artifact-store.ts';
import { findSource, type SourceDeps, type SourceRef } from './sources.ts';

/** An entry of the list: a file, or one page of a TIFF, from 1; or an image that cannot be decoded. */
export type ListedImage =
  | { readonly name: string; readonly page?: number; readonly reason?: undefined }
  | { readonly reason: ErrorCode };

export interface ImageList {
  readonly images: readonly ListedImage[];
  /** Of all files together. */
  readonly bytes: number;
}

type ImageDeps = SourceDeps & { readonly limits: SourceDeps['limits'] & MediaLimits };

/**
 * Finds the files and decodes every image once. An image that cannot be read is an entry with the reason.
 * Companion files of macOS (`._*`) are not images and are left out.
 *
 * @throws FrameloomError with the number of the first image if none can be read; `media_too_large` for too
 *   many; retryable errors, and `source_forbidden`, of any image
 */
export async function listImages(
  deps: ImageDeps,
  refs: readonly SourceRef[],
  signal: AbortSignal,
): Promise<ImageList> {
  const images: ListedImage[] = [];
  let bytes = 0;
  let failure: FrameloomError | undefined;
  for (const [index, ref] of refs.entries()) {
    try {
      const artifact = await findSource(deps, ref, signal);
      bytes += artifact.bytes;
      images.push(...(await pagesOf(deps, artifact)));
    } catch (error) {
      if (!(error instanceof FrameloomError)) throw error;
      const { code, message, retryAfterMs } = error;
      const named = new FrameloomError(code, `Image ${index + 1}: ${message}`, {
        cause: error,
        retryAfterMs,
      });
      if (error.retryable || code === 'source_forbidden') throw named;
      failure ??= named;
      images.push({ reason: code });
    }
    if (images.length > deps.limits.maxPages) {
      throw new FrameloomError('media_too_large', `There are more than ${deps.limits.maxPages} images.`);
    }
  }
  if (images.some(({ reason }) => reason === undefined)) return { images, bytes };
  throw failure ?? new FrameloomError('unsupported_media', 'None of the files is an image.');
}

async function pagesOf(
  { store, limits }: ImageDeps,
  { name }: ArtifactInfo,
): Promise<readonly ListedImage[]> {
  const content = await store.bytes(name);
  if (isMacCompanion(content)) return [];
  const count = await countImages(content, limits);
  if (count > limits.maxPages) {
    throw new FrameloomError('media_too_large', `It has ${count} pages; the limit is ${limits.maxPages}.`);
  }
  const pages: ListedImage[] = [];
  for (let page = 1; page <= count; page++) {
    try {
      await readImage(content, limits, { page });
      pages.push(count === 1 ? { name } : { name, page });
    } catch (error) {
      if (count === 1 || !(error instanceof FrameloomError)) throw error;
      pages.push({ reason: error.code });
    }
  }
  return pages;
}

/** AppleDouble, in which macOS keeps attributes of a file, and the folder settings of the Finder. */
function isMacCompanion(content: Uint8Array): boolean {
  const head = Buffer.from(content.subarray(0, 8)).toString('latin1');
  return head.startsWith('\0\x05\x16\x07') || head === '\0\0\0\x01Bud1';
}
