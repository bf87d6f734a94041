/**
 * Files of one format, one after another in a single file. ffmpeg reads on from one to the next where nothing
 * tells it that the file has ended: Matroska files whose segments have no stated size, and FLV files without
 * headers between them. It is given the file with these changes, through a pipe.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { InputEdit } from '../../schema/source.ts';
import { type ByteReader, createByteReader } from './byte-reader.ts';

/** Most elements or tags that are visited: those of about thirty hours. */
const MAX_VISITED = 10_000_000;
/** Most joined files. */
const MAX_FILES = 1000;

export interface JoinedFiles {
  /** The changes with which ffmpeg reads the joined files; none for a single file. */
  readonly edits: readonly InputEdit[];
  /** Position in the file, in bytes, from which ffmpeg cannot read it even so. */
  readonly unreadFrom?: number;
}

/** Examines a file of the ffmpeg demuxer `format`. */
export async function findJoinedFiles(path: string, format: string): Promise<JoinedFiles> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const reader = createByteReader(file);
    if (format.includes('matroska')) return { edits: await editsOfMatroska(reader, size) };
    if (format === 'flv') return { edits: await editsOfFlv(reader, size) };
    if (format === 'ogg') return await endOfOgg(reader, size);
    return { edits: [] };
  } finally {
    await file.close();
  }
}

const EBML_HEADER = 0x1a45dfa3;
const SEGMENT = 0x18538067;

/** Visits the elements at the top, and within those without a stated size (RFC 8794, RFC 9559). */
async function editsOfMatroska(reader: ByteReader, size: number): Promise<readonly InputEdit[]> {
  const edits: InputEdit[] = [];
  let files = 0;
  let at = 0;
  for (let visited = 0; at < size && visited < MAX_VISITED && files <= MAX_FILES; visited++) {
    const head = reader.at(at, 12) ?? (await reader.load(at, 12));
    const idLength = Math.clz32(head[0] ?? 0) - 23;
    if (idLength > 4 || head.length <= idLength) break;
    const id = head.readUIntBE(0, idLength);
    const length = vintAt(head, idLength);
    if (!length) break;
    if (id === EBML_HEADER) files++;
    if (id === SEGMENT && length.value !== undefined) {
      const bytes = length.end - idLength;
      edits.push({ position: at + idLength, removed: bytes, inserted: unknownSize(bytes) });
    }
    at += length.end + (length.value ?? 0);
  }
  return files > 1 ? edits : [];
}

/** The size of `bytes` bytes that means "unknown", as hexadecimal digits. */
function unknownSize(bytes: number): string {
  return Buffer.from([2 ** (9 - bytes) - 1, ...Array<number>(bytes - 1).fill(0xff)]).toString('hex');
}

/** A number of variable length; `value` is undefined for one that means "unknown". */
export function vintAt(
  head: Buffer,
  at: number,
): { readonly value: number | undefined; readonly end: number } | undefined {
  const first = head[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 8 || at + length > head.length) return undefined;
  let value = first & (0xff >> length);
  let unknown = value === 0xff >> length;
  for (let index = 1; index < length; index++) {
    const byte = head[at + index] ?? 0;
    value = value * 256 + byte;
    unknown &&= byte === 0xff;
  }
  return { value: unknown ? undefined : value, end: at + length };
}

/** Bytes of the header and of the size of "the tag before" that follows it. */
const FLV_HEADER_BYTES = 13;
/** Type, length, time and stream of a tag; after its data the size of all that. */
const FLV_TAG_BYTES = { before: 11, after: 4 } as const;

async function editsOfFlv(reader: ByteReader, size: number): Promise<readonly InputEdit[]> {
  const edits: InputEdit[] = [];
  let at = FLV_HEADER_BYTES;
  for (let visited = 0; at < size && visited < MAX_VISITED && edits.length < MAX_FILES; visited++) {
    const head = reader.at(at, 4) ?? (await reader.load(at, 4));
    if (head.length < 4) break;
    if (head.toString('latin1', 0, 3) === 'FLV') {
      edits.push({ position: at, removed: FLV_HEADER_BYTES, inserted: '' });
      at += FLV_HEADER_BYTES;
    } else at += FLV_TAG_BYTES.before + head.readUIntBE(1, 3) + FLV_TAG_BYTES.after;
  }
  return edits;
}

/** Bytes of an Ogg page before the lengths of its segments. */
const OGG_PAGE_BYTES = 27;

/**
 * Ends the file where its streams are replaced by others (RFC 3533): ffmpeg's demuxer fails there, or its
 * decoder if there is one stream only.
 */
async function endOfOgg(reader: ByteReader, size: number): Promise<JoinedFiles> {
  let hasData = false;
  let at = 0;
  for (let visited = 0; at < size && visited < MAX_VISITED; visited++) {
    const bytes = OGG_PAGE_BYTES + 255;
    const head = reader.at(at, bytes) ?? (await reader.load(at, bytes));
    if (head.length < OGG_PAGE_BYTES || head.toString('latin1', 0, 4) !== 'OggS') break;
    const begins = ((head[5] ?? 0) & 2) !== 0;
    if (begins && hasData)
      return { edits: [{ position: at, removed: size - at, inserted: '' }], unreadFrom: at };
    hasData ||= !begins;
    const segments = head.subarray(OGG_PAGE_BYTES, OGG_PAGE_BYTES + (head[26] ?? 0));
    at += OGG_PAGE_BYTES + segments.length + segments.reduce((sum, length) => sum + length, 0);
  }
  return { edits: [] };
}

const CHUNK_BYTES = 2 ** 18;

/** The bytes of the file with the changes. Ends early, without an error, where the reader does. */
export function readEdited(path: string, edits: readonly InputEdit[]): Readable {
  return Readable.from(editedChunks(path, edits), { objectMode: false });
}

async function* editedChunks(path: string, edits: readonly InputEdit[]): AsyncGenerator<Buffer> {
  const file = await open(path);
  try {
    let at = 0;
    for (const { position, removed, inserted } of edits) {
      yield* chunksOf(file, at, position);
      if (inserted !== '') yield Buffer.from(inserted, 'hex');
      at = position + removed;
    }
    yield* chunksOf(file, at, Number.POSITIVE_INFINITY);
  } finally {
    await file.close();
  }
}

async function* chunksOf(file: FileHandle, from: number, until: number): AsyncGenerator<Buffer> {
  let at = from;
  while (at < until) {
    const length = Math.min(CHUNK_BYTES, until - at);
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, at);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
