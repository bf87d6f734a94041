/** Reads small pieces of a file at increasing positions, without a call of the system for each. */
import type { FileHandle } from 'node:fs/promises';

export interface ByteReader {
  /** The bytes at a position if they are loaded; undefined otherwise. */
  at(position: number, length: number): Buffer | undefined;
  /** Loads the bytes at a position and what follows them. Fewer are returned at the end of the file. */
  load(position: number, length: number): Promise<Buffer>;
}

const WINDOW_BYTES = 65_536;

export function createByteReader(file: FileHandle): ByteReader {
  let start = 0;
  let loaded: Buffer = Buffer.alloc(0);
  return {
    at(position, length) {
      const offset = position - start;
      return offset >= 0 && offset + length <= loaded.length
        ? loaded.subarray(offset, offset + length)
        : undefined;
    },
    async load(position, length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(WINDOW_BYTES), 0, WINDOW_BYTES, position);
      start = position;
      loaded = buffer.subarray(0, bytesRead);
      return loaded.subarray(0, length);
    },
  };
}
