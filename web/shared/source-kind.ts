/** What kind of source chosen files or an address are. The server looks into the bytes; this only asks it the right question. */

export type SourceKind = 'video' | 'deck' | 'images';

const VIDEO = /\.(mp4|m4v|mkv|webm|mov|ts|m2ts|avi|mpg|mpeg)$/i;
const DECK = /\.(pdf|pptx|pptm|ppsx)$/i;
const IMAGE = /\.(jpe?g|png|webp|avif|gif|tiff?)$/i;

const PICTURES = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'].map((kind) => `image/${kind}`);

/** What the file dialog offers. */
export const ACCEPTED =
  'video/*,.mkv,.ts,.avi,application/pdf,.pdf,.pptx,image/jpeg,image/png,image/webp,image/avif,image/gif,image/tiff';

export type Chosen =
  | { readonly ok: true; readonly kind: SourceKind; readonly files: readonly File[] }
  | { readonly ok: false; readonly message: string };

/** One video, one deck, or any number of pictures, which keep the order of their names. */
export function chooseFiles(files: readonly File[]): Chosen {
  const [first] = files;
  if (!first) return { ok: false, message: 'That was not a file. Drop a video, a deck or pictures.' };
  const empty = files.find((file) => file.size === 0);
  if (empty) return { ok: false, message: `${empty.name} is empty. Check the file and choose it again.` };
  const kinds = files.map(kindOfFile);
  const unknown = files[kinds.indexOf(undefined)];
  if (unknown) {
    return {
      ok: false,
      message: /\.(ppt|odp|key)$/i.test(unknown.name)
        ? `${unknown.name} is a presentation of a kind that cannot be read. Save it as PDF or PPTX and drop that.`
        : `${unknown.name} is neither a video, a deck (PDF, PPTX) nor a picture.`,
    };
  }
  if (kinds.every((kind) => kind === 'images')) {
    const inOrder = [...files].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
    return { ok: true, kind: 'images', files: inOrder };
  }
  if (files.length > 1)
    return { ok: false, message: 'Choose one video, one deck, or several pictures at a time.' };
  return { ok: true, kind: kinds[0] ?? 'video', files: [first] };
}

function kindOfFile({ name, type }: File): SourceKind | undefined {
  if (type.startsWith('video/') || VIDEO.test(name)) return 'video';
  if (type === 'application/pdf' || DECK.test(name)) return 'deck';
  if (PICTURES.includes(type) || IMAGE.test(name)) return 'images';
  return undefined;
}

/** A well-formed http(s) address and the kind its path suggests, or undefined. */
export function parseAddress(text: string): { url: string; kind: SourceKind; name: string } | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const url = new URL(text.trim());
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return undefined;
  const last = url.pathname.split('/').findLast((part) => part !== '') ?? '';
  const kind = DECK.test(last) ? 'deck' : IMAGE.test(last) ? 'images' : 'video';
  return { url: url.href, kind, name: last === '' ? url.host : `${url.host}/…/${last}` };
}
