/**
 * Reads ZIP packages that strangers send. What their directory promises is checked before anything is unpacked, and what is
 * unpacked is checked against the promise: no path leads out of the package, no small file becomes a huge one.
 */
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { FrameloomError } from '../../core/errors.ts';

/** Most files of a package, and most bytes of all of them unpacked. */
const MAX_ENTRIES = 20_000;
const MAX_BYTES = 2 ** 31;
/**
 * How much larger a package may become: XML of slides shrinks to a twentieth, zeros to a thousandth. Packages that unpack to less
 * than `HARMLESS` bytes may do as they like.
 */
const MAX_RATIO = 200;
const HARMLESS = 16 * 2 ** 20;

export interface ZipPackage extends Disposable {
  /** Names of its files with their unpacked size, in the order of the directory. Folders are left out. */
  readonly files: ReadonlyMap<string, number>;
  /** The bytes of a file as a stream; it fails when they are not what the directory says. Throws `media_truncated`. */
  open(name: string): Promise<Readable>;
  /** All bytes of a file, or undefined where there is none. Throws `media_too_large` above `maxBytes`, `media_truncated`. */
  read(name: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** Opens a package. Throws `media_truncated`, `media_too_large`, `encrypted_media`, `unsupported_media`. */
export async function openZip(path: string): Promise<ZipPackage> {
  const size = (await stat(path)).size;
  const zip = await yauzl
    .openPromise(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true })
    .catch((cause: unknown) => {
      throw damaged(cause);
    });
  try {
    return packageOf(zip, await directory(zip, size));
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function directory(zip: ZipFile, size: number): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > MAX_ENTRIES) {
    throw new FrameloomError(
      'media_too_large',
      `The package has ${zip.entryCount} files; the limit is ${MAX_ENTRIES}.`,
    );
  }
  const entries = new Map<string, Entry>();
  let packed = 0;
  let unpacked = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      packed += entry.compressedSize;
      unpacked += entry.uncompressedSize;
      if (entry.isEncrypted()) throw new FrameloomError('encrypted_media', 'The package is encrypted.');
      if (unpacked > MAX_BYTES || (unpacked > HARMLESS && unpacked > MAX_RATIO * size)) throw bomb();
      // Entries that share their bytes are a bomb as well: together they claim more than the file has.
      if (packed > size) throw bomb();
      if (!entry.fileName.endsWith('/') && !entries.has(entry.fileName)) entries.set(entry.fileName, entry);
    }
  } catch (error) {
    throw error instanceof FrameloomError ? error : damaged(error);
  }
  return entries;
}

function packageOf(zip: ZipFile, entries: ReadonlyMap<string, Entry>): ZipPackage {
  async function open(name: string): Promise<Readable> {
    const entry = entries.get(name);
    if (!entry) throw damaged(new Error(`no ${name}`));
    return zip.openReadStreamPromise(entry).catch((cause: unknown) => {
      throw damaged(cause);
    });
  }
  return {
    files: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
    open,
    async read(name, maxBytes) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      if (entry.uncompressedSize > maxBytes) {
        throw new FrameloomError('media_too_large', 'A part of the package is too large.');
      }
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of await open(name)) chunks.push(chunk as Buffer); // a stream without encoding
      } catch (error) {
        throw damaged(error);
      }
      return Buffer.concat(chunks);
    },
    [Symbol.dispose]: () => zip.close(),
  };
}

function bomb(): FrameloomError {
  return new FrameloomError('media_too_large', 'The package would become far too large when it is unpacked.');
}

function damaged(cause: unknown): FrameloomError {
  return new FrameloomError('media_truncated', 'The package is cut off or damaged.', { cause });
}
