/** Detects encryption that the headers of a container declare, before ffmpeg stumbles over it. */
import { type FileHandle, open } from 'node:fs/promises';

/** Most bytes of an index, or of the headers of a Matroska file, that are searched. */
const MAX_INDEX_BYTES = 64 * 2 ** 20;
const MATROSKA_BYTES = 2 ** 20;
/** Most boxes at the top level that are visited before the index is found. */
const MAX_BOXES = 10_000;
const EBML = Buffer.from([0x1a, 0x45, 0xdf, 0xa3]);
/** ContentEncryption, and ContentEncAlgo with its length of one byte. */
const ENCRYPTION = Buffer.from([0x50, 0x35]);
const ALGORITHM = Buffer.from([0x47, 0xe1, 0x81]);
const CLUSTER = Buffer.from([0x1f, 0x43, 0xb6, 0x75]);

/**
 * Names of sample entries of sound. A track of pictures may be readable next to encrypted sound.
 */
const SOUND_ENTRIES = new Set([
  'mp4a',
  'ac-3',
  'ec-3',
  'ac-4',
  'Opus',
  'fLaC',
  'alac',
  'samr',
  'sawb',
  'dtsc',
  'mhm1',
]);

/** Whether the headers of the file at `path` declare that its pictures are encrypted. */
export async function isProtected(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MATROSKA_BYTES), 0, MATROSKA_BYTES, 0);
    const head = buffer.subarray(0, bytesRead);
    if (head.subarray(0, 4).equals(EBML)) return isProtectedMatroska(head);
    return await isProtectedMp4(file, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** ContentEncryption with an algorithm other than "none" (RFC 9559, 5.1.4.1.31), before the first cluster. */
function isProtectedMatroska(head: Buffer): boolean {
  const clusters = head.indexOf(CLUSTER);
  const headers = head.subarray(0, clusters < 0 ? head.length : clusters);
  for (let at = headers.indexOf(ENCRYPTION); at >= 0; at = headers.indexOf(ENCRYPTION, at + 2)) {
    const algorithm = headers.indexOf(ALGORITHM, at + 2);
    if (algorithm >= 0 && algorithm <= at + 10 && headers[algorithm + ALGORITHM.length] !== 0) return true;
  }
  return false;
}

/**
 * Common encryption (ISO 23001-7) and its relatives wrap the sample entry of a track and name the original
 * one in `sinf`, in the index, whatever the scheme and whether the file is fragmented.
 */
async function isProtectedMp4(file: FileHandle, size: number): Promise<boolean> {
  for (let at = 0, count = 0; at + 8 <= size && count < MAX_BOXES; count++) {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, at);
    const type = buffer.toString('latin1', 4, 8);
    const stated = buffer.readUInt32BE(0);
    const length = stated === 1 && bytesRead === 16 ? Number(buffer.readBigUInt64BE(8)) : stated;
    if (!/^[\w -]{4}$/.test(type) || (length < 8 && length !== 0)) return false;
    const end = length === 0 ? size : at + length;
    if (type === 'moov') {
      const bytes = Math.min(end, size, at + MAX_INDEX_BYTES) - at;
      const index = await file.read(Buffer.alloc(bytes), 0, bytes, at);
      return namesProtectedPictures(index.buffer.subarray(0, index.bytesRead));
    }
    at = end;
  }
  return false;
}

function namesProtectedPictures(index: Buffer): boolean {
  for (let at = index.indexOf('sinf'); at >= 0; at = index.indexOf('sinf', at + 4)) {
    const isBox = index.toString('latin1', at + 8, at + 12) === 'frma';
    if (isBox && !SOUND_ENTRIES.has(index.toString('latin1', at + 12, at + 16))) return true;
  }
  return false;
}
