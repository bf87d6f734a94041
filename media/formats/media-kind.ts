/**
 * Detects the kind of a source by its first bytes. Names and content types are ignored: they are the sender's
 * claim.
 */
import { constants, open } from 'node:fs/promises';
import { FrameloomError } from '../../core/errors.ts';
import { detectPackageKind, legacyOfficeError } from './package-kind.ts';

export type MediaKind = 'video' | 'pdf' | 'pptx' | 'image';

/**
 * Bytes that are read: a PDF header may be anywhere in the first 1024, a transport stream needs several
 * packets.
 */
const HEAD_BYTES = 2048;
/** First bytes of ZIP packages and of legacy Office documents. */
const ZIP = 'PK\x03\x04';
const OLE = '\xd0\xcf\x11\xe0';

/**
 * Detects the kind of the file at `path`.
 *
 * @throws FrameloomError `source_missing`, `empty_source`, `no_video_stream` for audio, `unsupported_media`
 *   with the name of the format where it is known, and for packages as `openZip` does
 */
export async function detectMediaKind(path: string): Promise<MediaKind> {
  // Without O_NONBLOCK, `open` of a pipe without a writer never returns.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new FrameloomError('source_missing', 'The source file cannot be opened.', { cause });
  });
  try {
    if (!(await file.stat()).isFile()) {
      throw new FrameloomError('unsupported_media', 'The source is not a regular file.');
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (startsWith(head, ZIP)) return await detectPackageKind(path);
    if (startsWith(head, OLE)) throw await legacyOfficeError(file, head);
    return await kindOf(head, path);
  } finally {
    await file.close();
  }
}

/** Where the first bytes are of no known kind, they may precede a package. */
async function kindOf(head: Buffer, path: string): Promise<MediaKind> {
  try {
    return detectMediaKindOfBytes(head);
  } catch (error) {
    if (!(error instanceof FrameloomError) || error.code !== 'unsupported_media') throw error;
    return detectPackageKind(path).catch(() => {
      throw error;
    });
  }
}

/** The same for bytes in memory; of a package only the first bytes are read. */
export function detectMediaKindOfBytes(bytes: Uint8Array): MediaKind {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, HEAD_BYTES));
  if (head.length === 0) throw new FrameloomError('empty_source', 'The file is empty.');
  if (isImage(head)) return 'image';
  if (head.subarray(0, 1024).includes('%PDF-')) return 'pdf';
  const audio = audioName(head);
  if (audio !== undefined) {
    throw new FrameloomError('no_video_stream', `The file is ${audio} audio without a video stream.`);
  }
  const foreign = foreignName(head);
  if (foreign !== undefined) {
    throw new FrameloomError('unsupported_media', `The file is ${foreign}, which is not supported.`);
  }
  if (isVideo(head)) return 'video';
  throw new FrameloomError('unsupported_media', 'The file is not a video, a deck or an image.');
}

function startsWith(head: Buffer, text: string, at = 0): boolean {
  return head.toString('latin1', at, at + text.length) === text;
}

function isImage(head: Buffer): boolean {
  return (
    startsWith(head, '\xff\xd8\xff') ||
    startsWith(head, '\x89PNG\r\n\x1a\n') ||
    (startsWith(head, 'RIFF') && startsWith(head, 'WEBP', 8)) ||
    startsWith(head, 'GIF87a') ||
    startsWith(head, 'GIF89a') ||
    startsWith(head, 'II*\0') ||
    startsWith(head, 'MM\0*') ||
    isAvif(head)
  );
}

/** By the major brand; `mif1` means any HEIF, whose kind is in the compatible brands. */
function isAvif(head: Buffer): boolean {
  if (!startsWith(head, 'ftyp', 4)) return false;
  const brand = head.toString('latin1', 8, 12);
  if (['avif', 'avis'].includes(brand)) return true;
  const brands = head.toString('latin1', 16, Math.min(head.length, head.readUInt32BE(0)));
  return brand === 'mif1' && brands.includes('avif');
}

function isVideo(head: Buffer): boolean {
  return (
    ['ftyp', 'moov', 'mdat', 'moof', 'styp', 'wide', 'free', 'skip', 'pnot'].some((box) =>
      startsWith(head, box, 4),
    ) ||
    startsWith(head, '\x1aE\xdf\xa3') || // Matroska, WebM
    (startsWith(head, 'RIFF') && startsWith(head, 'AVI ', 8)) ||
    startsWith(head, 'FLV\x01') ||
    startsWith(head, 'OggS') ||
    startsWith(head, '\0\0\x01\xba') || // MPEG program stream
    startsWith(head, '\x30\x26\xb2\x75\x8e\x66\xcf\x11') || // ASF: Windows Media
    startsWith(head, '\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02') || // MXF
    isTransportStream(head, 188) ||
    isTransportStream(head, 192) || // M2TS: a timestamp before each packet
    isTransportStream(head, 204) // with error correction after each packet
  );
}

/** A recording may begin anywhere in a packet; each later packet begins with the sync byte. */
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
  if (startsWith(head, 'ID3') || (head[0] === 0xff && ((head[1] ?? 0) & 0xe6) === 0xe2)) return 'MP3';
  if (head[0] === 0xff && ((head[1] ?? 0) & 0xf6) === 0xf0) return 'AAC';
  if (startsWith(head, 'RIFF') && startsWith(head, 'WAVE', 8)) return 'WAV';
  if (startsWith(head, 'fLaC')) return 'FLAC';
  if (startsWith(head, 'ftypM4A', 4)) return 'MPEG-4';
  return undefined;
}

/** The codec of a stream that no container wraps, by its first start code. */
function elementaryStream(head: Buffer): string | undefined {
  const at = head.indexOf(START_CODE);
  // Zero bytes may precede the first start code.
  if (at < 0 || head.subarray(0, at).some((byte) => byte !== 0)) return undefined;
  const unit = head[at + 3] ?? 0;
  if (unit === 0xb3) return 'an MPEG-1 or MPEG-2';
  if (unit === 0xb0 || unit === 0x00) return 'an MPEG-4';
  if ([0x67, 0x27, 0x47].includes(unit) || unit === 0x09) return 'an H.264';
  if ([0x40, 0x42, 0x44, 0x46].includes(unit) && head[at + 4] === 0x01) return 'an HEVC';
  return undefined;
}

const START_CODE = Buffer.from([0, 0, 1]);

function foreignName(head: Buffer): string | undefined {
  if (startsWith(head, 'ftyp', 4)) {
    const brand = head.toString('latin1', 8, 12);
    if (['heic', 'heix', 'heim', 'heis', 'mif1', 'msf1', 'hevc', 'hevx'].includes(brand)) {
      return 'a HEIC image (save it as JPEG)';
    }
  }
  const elementary = elementaryStream(head);
  if (elementary !== undefined) {
    return `${elementary} elementary stream without times (copy it into a container, for example MP4)`;
  }
  if (startsWith(head, 'BM') && head.readUInt32LE(Math.min(6, head.length - 4)) === 0) return 'a BMP image';
  if (startsWith(head, ZIP)) return 'a ZIP archive or Office document';
  if (startsWith(head, OLE)) return 'a legacy Office document';
  const text = head.toString('utf8').trimStart();
  if (text.startsWith('#EXTM3U')) return 'a playlist';
  if (text.startsWith('ffconcat')) return 'a list of files';
  if (/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/s.test(text))
    return 'an SVG drawing';
  return undefined;
}
