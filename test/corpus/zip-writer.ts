/** Writes ZIP packages without compression, file by file as they come. */
import { type FileHandle, open } from 'node:fs/promises';
import { deflateRawSync } from 'node:zlib';
import { crc32 } from './crc32.ts';

/** A file of a package to be. */
export interface ZipPart {
  readonly name: string;
  readonly data: Buffer;
}

/** Flag bit 11: the name is UTF-8. */
const UTF8 = 0x0800;
/** 1 January 1980, the earliest date a package can name: equal parts make equal packages. */
const DATE = 0x0021;

/**
 * Writes `parts`, in order, as the package `path`. At most 65,535 files and 4 GiB: there is no ZIP64 here.
 */
export async function writeZip(
  path: string,
  parts: AsyncIterable<ZipPart> | Iterable<ZipPart>,
  options: { readonly deflate?: boolean } = {},
): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await writeParts(file, parts, options.deflate ?? false);
  } finally {
    await file.close();
  }
}

async function writeParts(
  file: FileHandle,
  parts: AsyncIterable<ZipPart> | Iterable<ZipPart>,
  deflate: boolean,
): Promise<void> {
  const directory: Buffer[] = [];
  let offset = 0;
  for await (const { name, data } of parts) {
    const bytes = deflate ? deflateRawSync(data) : data;
    const common = commonHeader(data, bytes.length, deflate, name);
    const header = Buffer.concat([u32(0x04034b50), common, Buffer.from(name)]);
    await file.writeFile(header);
    await file.writeFile(bytes);
    // Made by version 2.0; no comment, disk or attributes.
    directory.push(
      Buffer.concat([u32(0x02014b50), u16(20), common, Buffer.alloc(10), u32(offset), Buffer.from(name)]),
    );
    offset += header.length + bytes.length;
  }
  const entries = Buffer.concat(directory);
  const count = u16(directory.length);
  const end = [u32(0x06054b50), u32(0), count, count, u32(entries.length), u32(offset), u16(0)];
  await file.writeFile(Buffer.concat([entries, ...end]));
}

/** What the header before a file and its line in the directory have in common. */
function commonHeader(data: Buffer, packed: number, deflate: boolean, name: string): Buffer {
  const method = deflate ? 8 : 0;
  return Buffer.concat([
    ...[u16(20), u16(UTF8), u16(method), u16(0), u16(DATE)],
    ...[u32(crc32(data)), u32(packed), u32(data.length)],
    ...[u16(Buffer.byteLength(name)), u16(0)],
  ]);
}

function u16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
