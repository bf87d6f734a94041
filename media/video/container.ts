/** What the structure of a container tells before anything is decoded: whether it is complete, and has an index. */
import { type FileHandle, open } from 'node:fs/promises';
import { vintAt } from './joined-files.ts';

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
  /** Files after the first one that ffmpeg does not read, with their duration where it is stated. */
  readonly appended?: { readonly position: number; readonly seconds?: number | undefined };
}

/** Most boxes that are visited. */
const MAX_BOXES = 200_000;
/** Longer durations of an appended file are not believed. */
const MAX_STATED_SECONDS = 7 * 24 * 3600;

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

/** One of several ISO files in a row. */
interface BoxedFile {
  readonly position: number;
  /** Duration by its index, in seconds; undefined where that is unknown. */
  seconds?: number | undefined;
  indexed: boolean;
  fragmented: boolean;
  hasMedia: boolean;
}

/** The boxes at the top level of ISO 14496-12. A second index after media data belongs to an appended file. */
async function readBoxes(file: FileHandle, size: number): Promise<ContainerStructure> {
  let current: BoxedFile = { position: 0, indexed: false, fragmented: false, hasMedia: false };
  const files = [current];
  let indexes = 0;
  let at = 0;
  for (let count = 0; at + 8 <= size && count < MAX_BOXES; count++) {
    const head = await bytesAt(file, at, MOVIE_HEAD_BYTES);
    const stated = head.readUInt32BE(0);
    const type = head.toString('latin1', 4, 8);
    if (!/^[\w ©-]{4}$/.test(type)) break;
    if (type === 'ftyp' && current.indexed) {
      current = { position: at, indexed: false, fragmented: false, hasMedia: false };
      files.push(current);
    }
    if (type === 'moof') current.fragmented = true;
    if (type === 'mdat') current.hasMedia = true;
    if (type === 'moov') {
      indexes++;
      if (!current.indexed) current.seconds = movieSeconds(head);
      current.indexed = true;
    }
    const length = stated === 1 && head.length >= 16 ? Number(head.readBigUInt64BE(8)) : stated;
    if (length < 8 && length !== 0) break;
    at = length === 0 ? size : at + length; // 0: to the end of the file
  }
  const fragmentedAgain = indexes > 1 && files.some(({ fragmented }) => fragmented);
  return { truncated: at > size, open: fragmentedAgain, ...appendedFiles(files) };
}

/** The files after the first that are not fragmented: ffmpeg takes them for the media data of the first. */
function appendedFiles(files: readonly BoxedFile[]): Pick<ContainerStructure, 'appended'> {
  const unread = files.slice(1).filter((part) => part.indexed && part.hasMedia && !part.fragmented);
  const [first] = unread;
  if (!first) return {};
  const known = unread.flatMap(({ seconds }) => seconds ?? []);
  const total = known.length < unread.length ? undefined : known.reduce((sum, part) => sum + part, 0);
  return { appended: { position: first.position, seconds: total } };
}

/** Bytes of an index up to the duration in its movie header. */
const MOVIE_HEAD_BYTES = 56;

function movieSeconds(head: Buffer): number | undefined {
  if (head.length < MOVIE_HEAD_BYTES || head.toString('latin1', 12, 16) !== 'mvhd') return undefined;
  const isLong = head[16] === 1;
  const scale = head.readUInt32BE(isLong ? 36 : 28);
  const duration = isLong ? Number(head.readBigUInt64BE(40)) : head.readUInt32BE(32);
  const seconds = duration / scale;
  return seconds > 0 && seconds < MAX_STATED_SECONDS && duration !== 0xffffffff ? seconds : undefined;
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
