/** The source on a command line. Local files are classified here and uploaded later. */
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FrameloomClient } from '../../client/index.ts';
import { FrameloomError } from '../../core/errors.ts';
import { isSystemFile } from '../../core/system-files.ts';
import type { SourceRequest } from '../../schema/request.ts';
import { UsageError } from '../context.ts';
import { type OnUpload, uploadLocalFile } from '../upload-local-file.ts';

export type SourceKind = SourceRequest['type'];

export type Source =
  | { readonly at: 'url'; readonly kind: SourceKind; readonly urls: readonly string[] }
  | { readonly at: 'disk'; readonly kind: SourceKind; readonly files: readonly LocalFile[] };

interface LocalFile {
  readonly path: string;
  readonly bytes: number;
}

const IMAGE_NAME = /\.(jpe?g|png|webp|avif|gif|tiff?|hei[cf])$/i;
const DECK_NAME = /\.(pdf|ppt|pptx|pptm|ppsx|odp|key|docx?|xlsx?)$/i;
/** Compares numbers in names by value: `page 2` comes before `page 10`. */
const compareNames = new Intl.Collator('en', { numeric: true }).compare;

/**
 * Classifies the arguments: URLs, files, or one folder of images. `kind` overrides what the bytes or the
 * URL suggest. Throws UsageError for a mixture and FrameloomError for a missing file.
 */
export async function readSource(words: readonly string[], kind?: SourceKind): Promise<Source> {
  const [first] = words;
  if (first === undefined) throw new UsageError('name a source: a file, a folder or a URL.');
  const urls = words.filter((word) => /^https?:\/\//i.test(word));
  if (urls.length > 0) {
    if (urls.length < words.length) throw new UsageError('use either files or URLs, not both.');
    return onlyOneUnlessImages({ at: 'url', kind: kind ?? detectUrlKind(first), urls });
  }
  const files = (await Promise.all(words.map(listFiles))).flat();
  const kinds = new Set(kind === undefined ? await Promise.all(files.map(detectFileKind)) : [kind]);
  if (kinds.size > 1) throw new UsageError('use one video, one deck, or several images.');
  const [found = 'video'] = kinds;
  return onlyOneUnlessImages({ at: 'disk', kind: found, files });
}

function onlyOneUnlessImages(source: Source): Source {
  const count = source.at === 'url' ? source.urls.length : source.files.length;
  if (source.kind !== 'images' && count > 1) {
    throw new UsageError('use one video or one deck at a time; only images can be several.');
  }
  return source;
}

/** Returns the name of the source for people, without folders. */
export function sourceName(source: Source): string {
  const names = source.at === 'url' ? source.urls : source.files.map(({ path }) => basename(path));
  return names.length === 1 ? (names[0] ?? '') : `${names.length} images`;
}

/**
 * Uploads local files one after the other and returns the source for a request. `onProgress` gets the bytes of
 * all files together.
 */
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
    const file = await uploadLocalFile(client, path, {
      signal: options.signal,
      onProgress: (sent) => options.onProgress(before + sent, total),
    });
    before += bytes;
    ids.push(file.id);
  }
  const [first] = ids;
  if (first === undefined) throw new FrameloomError('source_missing', 'No file to upload.');
  return kind === 'images' ? { type: kind, file_ids: ids } : { type: kind, file_id: first };
}

type SourceFileId = Awaited<ReturnType<FrameloomClient['uploadFile']>>['id'];

/** A file that belongs to a source, such as its subtitles. */
export interface SideFile {
  /** Path or URL, as given. */
  readonly location: string;
  /** Undefined for a URL. */
  readonly path: string | undefined;
}

/** Throws FrameloomError where the file does not exist. */
export async function readSideFile(location: string): Promise<SideFile> {
  if (/^https?:\/\//i.test(location)) return { location, path: undefined };
  const [file] = (await stat(location).catch(() => undefined))?.isFile() ? await listFiles(location) : [];
  if (!file) throw new FrameloomError('source_missing', `File not found: ${basename(location)}`);
  return { location, path: file.path };
}

/** Uploads a local file and returns the reference to it for a request. `onProgress` gets its name as well. */
export async function uploadSideFile(
  { location, path }: SideFile,
  client: FrameloomClient,
  options: { readonly signal: AbortSignal; readonly onProgress: OnUpload },
): Promise<{ readonly file_id: SourceFileId } | { readonly url: string }> {
  if (path === undefined) return { url: location };
  const { id } = await uploadLocalFile(client, path, options);
  return { file_id: id };
}

async function listFiles(path: string): Promise<readonly LocalFile[]> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    throw new FrameloomError('source_missing', `File not found: ${basename(path)}`);
  }
  if (found.isFile()) return [{ path, bytes: found.size }];
  if (!found.isDirectory()) {
    throw new FrameloomError('unsupported_media', `${basename(path)} is not a file or folder.`); // a pipe may never end
  }
  const entries = (await readdir(path)).filter((name) => IMAGE_NAME.test(name) && !isSystemFile(name));
  const images = (
    await Promise.all(entries.sort(compareNames).map((name) => localFile(join(path, name))))
  ).flatMap((file) => file ?? []);
  if (images.length === 0) {
    throw new FrameloomError(
      'source_missing',
      `The folder ${basename(path)} contains no images (JPEG, PNG, WebP, AVIF, GIF, TIFF).`,
    );
  }
  return images;
}

/** Returns undefined for what cannot be uploaded: an empty file, a folder, a pipe, a link that leads nowhere. */
async function localFile(path: string): Promise<LocalFile | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() && found.size > 0 ? { path, bytes: found.size } : undefined;
}

/**
 * Detects the kind as the server does, by the contents. What cannot be recognized counts as what its name
 * says; the server states why it cannot be read.
 */
async function detectFileKind(
  { path }: LocalFile,
  _index: number,
  files: readonly LocalFile[],
): Promise<SourceKind> {
  if (files.length > 1 && IMAGE_NAME.test(path)) return 'images'; // one that is not an image is a gap
  const { detectMediaKind } = await import('../../media/index.ts'); // loads native libraries
  const kind = await detectMediaKind(path).catch(() => undefined);
  if (kind === undefined) return kindOfName(path);
  return kind === 'pdf' || kind === 'pptx' ? 'deck' : kind === 'image' ? 'images' : 'video';
}

function kindOfName(name: string): SourceKind {
  return DECK_NAME.test(name) ? 'deck' : IMAGE_NAME.test(name) ? 'images' : 'video';
}

function detectUrlKind(url: string): SourceKind {
  if (!URL.canParse(url)) throw new UsageError(`${url} is not a valid URL.`);
  return kindOfName(new URL(url).pathname);
}
