/** Tells what a source is by its first bytes. Names and content types are never asked: they are the sender's claim. */
import { constants, open } from 'node:fs/promises';
import { FrameloomError } from '../../core/errors.ts';
import { detectPackageKind, legacyOfficeError } from './package-kind.ts';

export type MediaKind = 'video' | 'pdf' | 'pptx' | 'image';

/** Bytes that are looked at: a PDF header may stand anywhere in the first 1024, a TS needs several packets. */
const HEAD = 2048;
/** How ZIP packages and old Office documents begin. */
const ZIP = 'PK\x03\x04';
const OLE = '\xd0\xcf\x11\xe0';

/**
 * The kind of the file. Throws `empty_source`, `no_video_stream` for what is audio by its first bytes, and
 * `unsupported_media` with the name of what was found, as far as it is known.
 */
export async function detectMediaKind(path: string): Promise<MediaKind> {
  // A pipe that nobody writes to would keep `open` waiting for ever.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new FrameloomError('source_missing', 'The source file cannot be opened.', { cause });
  });
  try {
    if (!(await file.stat()).isFile()) {
      throw new FrameloomError('unsupported_media', 'The source is no ordinary file.');
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    const head = buffer.subarray(0, bytesRead);
    if (starts(head, ZIP)) return await detectPackageKind(path);
    if (starts(head, OLE)) throw await legacyOfficeError(file, head);
    return detectMediaKindOfBytes(head);
  } finally {
    await file.close();
  }
}

/** The same for bytes in memory, which are not looked into further than their head. */
export function detectMediaKindOfBytes(bytes: Uint8Array): MediaKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEAD));
  if (head.length === 0) throw new FrameloomError('empty_source', 'The file has no bytes.');
  if (isImage(head)) return 'image';
  if (head.subarray(0, 1024).includes('%PDF-')) return 'pdf';
  const audio = audioName(head);
  if (audio !== undefined) {
    throw new FrameloomError('no_video_stream', `The file is ${audio} audio and has no pictures.`);
  }
  const foreign = foreignName(head);
  if (foreign !== undefined) {
    throw new FrameloomError('unsupported_media', `The file is ${foreign}, which is not supported.`);
  }
  if (isVideo(head)) return 'video';
  throw new FrameloomError('unsupported_media', 'The file is neither a video nor a deck nor an image.');
}

function starts(head: Buffer, text: string, at = 0): boolean {
  return head.toString('latin1', at, at + text.length) === text;
}

function isImage(head: Buffer): boolean {
  return (
    starts(head, '\xff\xd8\xff') ||
    starts(head, '\x89PNG\r\n\x1a\n') ||
    (starts(head, 'RIFF') && starts(head, 'WEBP', 8)) ||
    starts(head, 'GIF87a') ||
    starts(head, 'GIF89a') ||
    starts(head, 'II*\0') ||
    starts(head, 'MM\0*') ||
    isAvif(head)
  );
}

/** By the main brand; `mif1` says only that it is some HEIF, and its compatible brands of what kind. */
function isAvif(head: Buffer): boolean {
  if (!starts(head, 'ftyp', 4)) return false;
  const brand = head.toString('latin1', 8, 12);
  if (['avif', 'avis'].includes(brand)) return true;
  const brands = head.toString('latin1', 16, Math.min(head.length, head.readUInt32BE(0)));
  return brand === 'mif1' && brands.includes('avif');
}

function isVideo(head: Buffer): boolean {
  return (
    ['ftyp', 'moov', 'mdat', 'moof', 'styp', 'wide', 'free', 'skip', 'pnot'].some((box) =>
      starts(head, box, 4),
    ) ||
    starts(head, '\x1aE\xdf\xa3') || // Matroska, WebM
    (starts(head, 'RIFF') && starts(head, 'AVI ', 8)) ||
    starts(head, 'FLV\x01') ||
    starts(head, 'OggS') ||
    starts(head, '\0\0\x01\xba') || // MPEG program stream
    starts(head, '\x30\x26\xb2\x75\x8e\x66\xcf\x11') || // ASF: Windows Media
    starts(head, '\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02') || // MXF
    isTransportStream(head, 188) ||
    isTransportStream(head, 192) // M2TS: a time stamp before each packet
  );
}

/** A recording may begin anywhere in a packet; from then on each begins with the same byte. */
function isTransportStream(head: Buffer, packet: number): boolean {
  if (head.length < 3 * packet) return false;
  for (let first = 0; first < packet; first++) {
    let at = first;
    while (at < head.length && head[at] === 0x47) at += packet;
    if (at >= head.length) return true;
  }
  return false;
}

function audioName(head: Buffer): string | undefined {
  if (starts(head, 'ID3') || (head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2)) return 'MP3';
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0) return 'AAC';
  if (starts(head, 'RIFF') && starts(head, 'WAVE', 8)) return 'WAV';
  if (starts(head, 'fLaC')) return 'FLAC';
  if (starts(head, 'ftypM4A', 4)) return 'MPEG-4';
  return undefined;
}

function foreignName(head: Buffer): string | undefined {
  if (starts(head, 'ftyp', 4)) {
    const brand = head.toString('latin1', 8, 12);
    if (['heic', 'heix', 'heim', 'heis', 'mif1', 'msf1', 'hevc', 'hevx'].includes(brand)) {
      return 'a HEIC image (save it as JPEG)';
    }
  }
  if (starts(head, 'BM') && head.readUInt32LE(Math.min(6, head.length - 4)) === 0) return 'a BMP image';
  if (starts(head, ZIP)) return 'a ZIP archive or Office document';
  if (starts(head, OLE)) return 'an old Office document';
  const text = head.toString('utf8').trimStart();
  if (text.startsWith('#EXTM3U')) return 'a playlist';
  if (text.startsWith('ffconcat')) return 'a list of files';
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/s.test(text))
    return 'an SVG drawing';
  return undefined;
}
