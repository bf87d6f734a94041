/**
 * Finds the archive within a file. Programs and transfers add bytes before and after it, and readers are
 * expected to look past them: the record at its end states where the directory is.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import yauzl from 'yauzl';

/** Most bytes after the archive, and most records that are tried: a hostile file repeats their signature. */
const MAX_TAIL_BYTES = 2 ** 20;
const MAX_CANDIDATES = 64;
const CHUNK_BYTES = 65_536;

/** Lengths and signatures of APPNOTE.TXT 4.3.12 to 4.3.16. */
const END_RECORD_BYTES = 22;
const ZIP64_END_RECORD_BYTES = 56;
const ZIP64_LOCATOR_BYTES = 20;
const MAX_COMMENT_BYTES = 0xffff;
const END_RECORD = 0x06054b50;
const ZIP64_END_RECORD = 0x06064b50;
const ZIP64_LOCATOR = 0x07064b50;
const DIRECTORY_ENTRY = 0x02014b50;

/** Where an archive is in its file: from `start` on, and the position of its end record. */
interface Bounds {
  readonly start: number;
  readonly end: number;
}

export interface ArchiveSource {
  /** Reads the archive as if nothing were before and after it. Closing it closes the file. */
  readonly reader: yauzl.RandomAccessReader;
  /** Bytes of the archive. */
  readonly size: number;
}

/** Opens the archive in the file at `path`. Throws an error if there is none. */
export async function openArchive(path: string): Promise<ArchiveSource> {
  const file = await open(path);
  try {
    const bounds = await findBounds(file, (await file.stat()).size);
    const record = await bytesAt(file, bounds.end, END_RECORD_BYTES);
    record.writeUInt16LE(0, 20); // no comment: it may be cut off, and what follows it is not part of it
    const size = bounds.end - bounds.start + END_RECORD_BYTES;
    return { reader: new ArchiveReader(file, bounds, record), size };
  } catch (error) {
    await file.close();
    throw error;
  }
}

class ArchiveReader extends yauzl.RandomAccessReader {
  readonly #file: FileHandle;
  readonly #bounds: Bounds;
  /** Replaces the end record of the file. */
  readonly #record: Buffer;

  constructor(file: FileHandle, bounds: Bounds, record: Buffer) {
    super();
    this.#file = file;
    this.#bounds = bounds;
    this.#record = record;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const { start, end } = this.#bounds;
    const fromFile = Math.max(0, Math.min(length, end - start - position));
    const intoRecord = position + fromFile - (end - start);
    const rest =
      intoRecord < 0
        ? 0
        : this.#record.copy(buffer, offset + fromFile, intoRecord, intoRecord + length - fromFile);
    if (fromFile === 0) {
      setImmediate(callback, null, rest);
      return;
    }
    this.#file.read(buffer, offset, fromFile, start + position).then(
      ({ bytesRead }) => callback(null, bytesRead + rest),
      (error: Error) => callback(error),
    );
  }

  override _readStreamForRange(from: number, to: number): Readable {
    const { start, end } = this.#bounds;
    return Readable.from(chunksOf(this.#file, start + from, Math.min(start + to, end)));
  }

  override close(callback: (error: Error | null) => void): void {
    this.#file.close().then(() => callback(null), callback);
  }
}

async function findBounds(file: FileHandle, size: number): Promise<Bounds> {
  const searched = Math.min(size, MAX_TAIL_BYTES + MAX_COMMENT_BYTES + END_RECORD_BYTES);
  const tail = await bytesAt(file, size - searched, searched);
  const signature = Buffer.alloc(4);
  signature.writeUInt32LE(END_RECORD);
  let at = tail.length - END_RECORD_BYTES;
  for (let tried = 0; at >= 0 && tried < MAX_CANDIDATES; tried += 1) {
    at = tail.lastIndexOf(signature, at);
    if (at < 0) break;
    const end = size - searched + at;
    const start = await startOf(file, end, tail.subarray(at, at + END_RECORD_BYTES));
    if (start !== undefined) return { start, end };
    at -= 1;
  }
  throw new Error('no end record with a directory');
}

/**
 * Returns the start of the archive with the end record `record` at `end`, or undefined where it is not one:
 * the directory must be where the record says, counted from the start of the file or, where bytes were put
 * before the archive, from its own start.
 */
async function startOf(file: FileHandle, end: number, record: Buffer): Promise<number | undefined> {
  const locator = await bytesAt(file, end - ZIP64_LOCATOR_BYTES, ZIP64_LOCATOR_BYTES);
  if (signatureOf(locator) === ZIP64_LOCATOR) {
    const offset = Number(locator.readBigUInt64LE(8));
    const adjacent = end - ZIP64_LOCATOR_BYTES - ZIP64_END_RECORD_BYTES;
    return firstWith(file, ZIP64_END_RECORD, offset, [0, adjacent - offset]);
  }
  if (record.readUInt16LE(10) === 0) return 0;
  const [length, offset] = [record.readUInt32LE(12), record.readUInt32LE(16)];
  return firstWith(file, DIRECTORY_ENTRY, offset, [0, end - length - offset]);
}

/** Returns the first of `starts` from which `signature` is at `offset`. */
async function firstWith(
  file: FileHandle,
  signature: number,
  offset: number,
  starts: readonly number[],
): Promise<number | undefined> {
  for (const start of starts) {
    if (start >= 0 && signatureOf(await bytesAt(file, start + offset, 4)) === signature) return start;
  }
  return undefined;
}

function signatureOf(bytes: Buffer): number {
  return bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
}

/** The bytes `[from, to)`. A stream of the file itself would close it at its end. */
async function* chunksOf(file: FileHandle, from: number, to: number): AsyncGenerator<Buffer> {
  for (let at = from; at < to; ) {
    const chunk = await bytesAt(file, at, Math.min(CHUNK_BYTES, to - at));
    if (chunk.length === 0) return;
    yield chunk;
    at += chunk.length;
  }
}

/** Returns the bytes from `position` on, at most `length`. */
async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  if (position < 0 || !Number.isSafeInteger(position)) return Buffer.alloc(0);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}
