/** What the structure of a container tells before anything is decoded: whether it is complete, and has an index. */
import { type FileHandle, open } from 'node:fs/promises';

export interface ContainerStructure {
  /** Whether bytes are missing at the end, by the sizes that the container states. */
  readonly truncated: boolean;
  /**
   * Whether only reading all packets tells where the file ends and whether its clock changes: a container
   * without a stated size, or one to which something was appended.
   */
  readonly open: boolean;
  /** Whether times after a seek would be estimates, because there is no index. */
  readonly unindexed?: true;
}

/** Most boxes that are visited. */
const MAX_BOXES = 200_000;

/** Reads the structure of the file at `path`; `format` is the name of ffmpeg's demuxer. */
export async function readStructure(path: string, format: string): Promise<ContainerStructure> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    if (format.includes('mov')) return await readBoxes(file, size);
    if (format.includes('matroska')) return await readSegment(file, size);
    if (format.includes('avi')) return await readRiff(file, size);
    if (format.includes('mxf')) return await readPartitions(file, size);
    return { truncated: false, open: true };
  } finally {
    await file.close();
  }
}

/** The boxes at the top level of ISO 14496-12. A second index after media data belongs to an appended file. */
async function readBoxes(file: FileHandle, size: number): Promise<ContainerStructure> {
  let fragmented = false;
  let indexes = 0;
  let at = 0;
  for (let count = 0; at + 8 <= size && count < MAX_BOXES; count++) {
    const head = await bytesAt(file, at, 16);
    const stated = head.readUInt32BE(0);
    const type = head.toString('latin1', 4, 8);
    if (!/^[\w ©-]{4}$/.test(type)) break;
    if (type === 'moof') fragmented = true;
    if (type === 'moov') indexes++;
    const length = stated === 1 && head.length >= 16 ? Number(head.readBigUInt64BE(8)) : stated;
    if (length === 0) return { truncated: false, open: fragmented && indexes > 1 }; // to the end of the file
    if (length < 8) break;
    at += length;
  }
  return { truncated: at > size, open: fragmented && indexes > 1 };
}

/** The first EBML header and segment (RFC 8794, RFC 9559). */
async function readSegment(file: FileHandle, size: number): Promise<ContainerStructure> {
  const head = await bytesAt(file, 0, 4096);
  const header = vintAt(head, 4);
  if (!header) return { truncated: false, open: true };
  const start = header.end + (header.value ?? 0);
  const segment =
    start + 4 < head.length && head.readUInt32BE(start) === 0x18538067 ? vintAt(head, start + 4) : undefined;
  if (segment?.value === undefined) return { truncated: false, open: true };
  const end = segment.end + segment.value;
  return { truncated: end > size, open: end < size };
}

/** A number of variable length; `value` is undefined for one that means "unknown". */
function vintAt(
  head: Buffer,
  at: number,
): { readonly value: number | undefined; readonly end: number } | undefined {
  const first = head[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (length > 8 || at + length > head.length) return undefined;
  let value = BigInt(first & (0xff >> length));
  for (let index = 1; index < length; index++) value = (value << 8n) | BigInt(head[at + index] ?? 0);
  const unknown = value === (1n << BigInt(7 * length)) - 1n;
  return { value: unknown ? undefined : Number(value), end: at + length };
}

/** Keys of a partition and of an index table (SMPTE ST 377-1), without the bytes that vary. */
const PARTITION = Buffer.from('060e2b34020501010d01020101', 'hex');
const INDEX_TABLE = Buffer.from('060e2b34025301010d010201011001', 'hex');
/** Bytes of the header, and from the footer on, in which an index is searched. */
const INDEX_BYTES = 8 * 2 ** 20;

/** An MXF file is indexed if its footer is where the header says, and there is an index table in one of them. */
async function readPartitions(file: FileHandle, size: number): Promise<ContainerStructure> {
  const head = await bytesAt(file, 0, INDEX_BYTES);
  const length = head[16] ?? 0;
  const value = 17 + (length > 0x80 ? length - 0x80 : 0);
  const footer = head.length > value + 32 ? Number(head.readBigUInt64BE(value + 24)) : 0;
  const tail = footer > 0 && footer < size ? await bytesAt(file, footer, INDEX_BYTES) : Buffer.alloc(0);
  const indexed =
    tail.subarray(0, PARTITION.length).equals(PARTITION) &&
    (tail.includes(INDEX_TABLE) || head.includes(INDEX_TABLE));
  return { truncated: footer > size, open: true, ...(indexed ? {} : { unindexed: true }) };
}

/** The RIFF chunks of an AVI; large files have several (OpenDML). */
async function readRiff(file: FileHandle, size: number): Promise<ContainerStructure> {
  let at = 0;
  while (at + 8 <= size) {
    const head = await bytesAt(file, at, 8);
    const length = head.readUInt32LE(4);
    // A recorder that was interrupted has not written the size.
    if (head.toString('latin1', 0, 4) !== 'RIFF' || length === 0) break;
    at += 8 + length + (length % 2);
  }
  return { truncated: at > size + 1, open: false };
}

async function bytesAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  return buffer.subarray(0, bytesRead);
}
