/** Guesses the kind of a source from file names, media types and URLs. The server checks the bytes. */

import { isSystemFile } from '../../core/system-files.ts';

export type SourceKind = 'video' | 'deck' | 'images';

const VIDEO = /\.(mp4|m4v|mkv|webm|mov|ts|m2ts|avi|mpg|mpeg)$/i;
const DECK = /\.(pdf|pptx|pptm|ppsx)$/i;
const IMAGE = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

const IMAGE_TYPES = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'].map((kind) => `image/${kind}`);

/** For the file dialog. */
export const ACCEPTED_FILE_TYPES =
  'video/*,.mkv,.ts,.avi,application/pdf,.pdf,.pptx,image/jpeg,image/png,image/webp,image/avif,image/gif,image/tiff';

export type ClassifiedFiles =
  | { readonly ok: true; readonly kind: SourceKind; readonly files: readonly File[] }
  | { readonly ok: false; readonly message: string };

/**
 * Accepts one video, one deck, or any number of images, which are sorted by name. Files that an operating
 * system added to a folder are left out.
 */
export function classifyFiles(chosen: readonly File[]): ClassifiedFiles {
  const files = chosen.filter(({ name }) => !isSystemFile(name));
  const [first] = files;
  if (!first) return { ok: false, message: 'Drop a video, a slide deck or images.' };
  const empty = files.find((file) => file.size === 0);
  if (empty) return { ok: false, message: `${empty.name} is empty. Choose another file.` };
  const kinds = files.map(guessFileKind);
  const unknown = files[kinds.indexOf(undefined)];
  if (unknown) {
    return {
      ok: false,
      message: /\.(ppt|odp|key)$/i.test(unknown.name)
        ? `${unknown.name} is a presentation in an unsupported format. Save it as PDF or PPTX and choose that file.`
        : `${unknown.name} is not a video, a slide deck (PDF, PPTX) or an image.`,
    };
  }
  if (kinds.every((kind) => kind === 'images')) {
    const inOrder = [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    return { ok: true, kind: 'images', files: inOrder };
  }
  if (files.length > 1) return { ok: false, message: 'Choose one video, one slide deck, or several images.' };
  return { ok: true, kind: kinds[0] ?? 'video', files: [first] };
}

function guessFileKind({ name, type }: File): SourceKind | undefined {
  if (type.startsWith('video/') || VIDEO.test(name)) return 'video';
  if (type === 'application/pdf' || DECK.test(name)) return 'deck';
  if (IMAGE_TYPES.includes(type) || IMAGE.test(name)) return 'images';
  return undefined;
}

/** Parses an http(s) URL and guesses the kind from its path. Undefined for anything else. */
export function parseSourceUrl(text: string): { url: string; kind: SourceKind; name: string } | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const url = new URL(text.trim());
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  const kind = DECK.test(last) ? 'deck' : IMAGE.test(last) ? 'images' : 'video';
  return { url: url.href, kind, name: last === '' ? url.host : `${url.host}/…/${last}` };
}
