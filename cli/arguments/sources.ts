/** What is to be summarized, from the words of a command line: local files are looked at here and uploaded later. */
import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { FrameloomClient } from '../../client/index.ts';
import { FrameloomError } from '../../core/errors.ts';
import type { SourceRequest } from '../../schema/request.ts';
import { UsageError } from '../context.ts';

export type SourceKind = SourceRequest['type'];

export type Source =
  | { readonly at: 'url'; readonly kind: SourceKind; readonly urls: readonly string[] }
  | { readonly at: 'disk'; readonly kind: SourceKind; readonly files: readonly LocalFile[] };

interface LocalFile {
  readonly path: string;
  readonly bytes: number;
}

const IMAGE_NAME = /\.(jpe?g|png|webp|avif|gif|tiff?|hei[cf])$/i;
/** Numbers in names count as numbers: `page 2` comes before `page 10`. */
const natural = new Intl.Collator('en', { numeric: true }).compare;

/**
 * Reads the arguments: addresses, files, or one folder of pictures. `kind` overrides what the bytes or the address
 * suggest. Throws UsageError for a mixture and FrameloomError for what is not there.
 */
export async function readSource(words: readonly string[], kind?: SourceKind): Promise<Source> {
  const [first] = words;
  if (first === undefined) throw new UsageError('name a source.');
  const urls = words.filter((word) => /^https?:\/\//i.test(word));
  if (urls.length > 0) {
    if (urls.length < words.length) throw new UsageError('give either files or addresses, not both.');
    return onlyOneUnlessImages({ at: 'url', kind: kind ?? kindOfAddress(first), urls });
  }
  const files = (await Promise.all(words.map(listFiles))).flat();
  const kinds = new Set(kind === undefined ? await Promise.all(files.map(kindOfFile)) : [kind]);
  if (kinds.size > 1) throw new UsageError('give one video, one deck, or pictures.');
  const [found = 'video'] = kinds;
  return onlyOneUnlessImages({ at: 'disk', kind: found, files });
}

function onlyOneUnlessImages(source: Source): Source {
  const count = source.at === 'url' ? source.urls.length : source.files.length;
  if (source.kind !== 'images' && count > 1) {
    throw new UsageError('give one video or one deck at a time; only pictures may be several.');
  }
  return source;
}

/** What people call the source. */
export function sourceName(source: Source): string {
  const names = source.at === 'url' ? source.urls : source.files.map(({ path }) => basename(path));
  return names.length === 1 ? (names[0] ?? '') : `${names.length} pictures`;
}

/** Uploads the local files, one after the other, and answers what a request says of the source. */
export async function uploadSource(
  source: Source,
  client: FrameloomClient,
  options: {
    readonly signal: AbortSignal;
    readonly onProgress: (sent: number, total: number) => void;
  },
): Promise<SourceRequest> {
  const { kind } = source;
  if (source.at === 'url') {
    return kind === 'images'
      ? { type: kind, urls: [...source.urls] }
      : { type: kind, url: source.urls[0] ?? '' };
  }
  const total = source.files.reduce((sum, { bytes }) => sum + bytes, 0);
  const ids: SourceFileId[] = [];
  let before = 0;
  for (const { path, bytes } of source.files) {
    const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>; // Node's own type for the same thing
    const file = await client.uploadFile(body, basename(path), {
      signal: options.signal,
      onProgress: (sent) => options.onProgress(before + sent, total),
    });
    before += bytes;
    ids.push(file.id);
  }
  const [first] = ids;
  if (first === undefined) throw new FrameloomError('source_missing', 'There is no file to upload.');
  return kind === 'images' ? { type: kind, file_ids: ids } : { type: kind, file_id: first };
}

type SourceFileId = Awaited<ReturnType<FrameloomClient['uploadFile']>>['id'];

/** A file that goes with a source, such as its subtitles: a path, or an address. */
export interface SideFile {
  readonly word: string;
  readonly path: string | undefined;
}

/** Looks whether the file is there. Throws FrameloomError. */
export async function readSideFile(word: string): Promise<SideFile> {
  if (/^https?:\/\//i.test(word)) return { word, path: undefined };
  const [file] = (await stat(word).catch(() => undefined))?.isFile() ? await listFiles(word) : [];
  if (!file) throw new FrameloomError('source_missing', `There is no file called ${basename(word)}.`);
  return { word, path: file.path };
}

/** Uploads it, where it is a file, and answers what a request says of it. */
export async function uploadSideFile(
  { word, path }: SideFile,
  client: FrameloomClient,
  signal: AbortSignal,
): Promise<{ readonly file_id: SourceFileId } | { readonly url: string }> {
  if (path === undefined) return { url: word };
  const body = Readable.toWeb(createReadStream(path)) as ReadableStream<Uint8Array>; // Node's own type for the same thing
  const { id } = await client.uploadFile(body, basename(path), { signal });
  return { file_id: id };
}

async function listFiles(path: string): Promise<readonly LocalFile[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new FrameloomError('source_missing', `There is no file or folder called ${basename(path)}.`);
  }
  if (found.isFile()) return [{ path, bytes: found.size }];
  if (!found.isDirectory()) {
    throw new FrameloomError('unsupported_media', `${basename(path)} is neither a file nor a folder.`); // a pipe never ends
  }
  const names = (await readdir(path)).filter((name) => IMAGE_NAME.test(name));
  if (names.length === 0) {
    throw new FrameloomError(
      'source_missing',
      `The folder ${basename(path)} holds no picture (JPEG, PNG, WebP, AVIF, GIF, TIFF).`,
    );
  }
  names.sort(natural);
  return Promise.all(
    names.map(async (name) => ({ path: join(path, name), bytes: (await stat(join(path, name))).size })),
  );
}

/** By the first bytes. What they do not show to be a deck or a picture is taken for a video; the server looks closer. */
async function kindOfFile({ path }: LocalFile): Promise<SourceKind> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    const head = buffer.subarray(0, bytesRead).toString('latin1');
    // Office documents of all ages are decks here; the server tells those it reads from those it does not.
    if (['%PDF-', 'PK\x03\x04', '\xd0\xcf\x11\xe0'].some((start) => head.startsWith(start))) return 'deck';
    const isImage =
      ['\xff\xd8\xff', '\x89PNG\r\n', 'GIF8', 'II*\0', 'MM\0*'].some((start) => head.startsWith(start)) ||
      (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') ||
      (head.slice(4, 8) === 'ftyp' && ['avif', 'avis', 'mif1', 'heic', 'heix'].includes(head.slice(8, 12)));
    return isImage ? 'images' : 'video';
  } finally {
    await file.close();
  }
}

function kindOfAddress(address: string): SourceKind {
  if (!URL.canParse(address)) throw new UsageError(`${address} is not an address.`);
  const { pathname } = new URL(address);
  if (/\.(pdf|pptx|pptm|ppsx)$/i.test(pathname)) return 'deck';
  return IMAGE_NAME.test(pathname) ? 'images' : 'video';
}
