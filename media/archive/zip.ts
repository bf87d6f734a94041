/**
 * Reads untrusted ZIP packages. The directory is checked before anything is unpacked, and what is unpacked is
 * checked against the directory: no path leads out of the package, and no small file becomes a huge one.
 */
import type { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { FrameloomError } from '../../core/errors.ts';
import { openArchive } from './zip-source.ts';

/** Most files of a package, and most bytes of all of them unpacked. */
const MAX_ENTRIES = 20_000;
const MAX_UNPACKED_BYTES = 2 ** 31;
/**
 * Most bytes unpacked per byte packed: XML of slides shrinks to a twentieth, zeros to a thousandth. Packages
 * that unpack to at most `ANY_RATIO_BYTES` may have any ratio.
 */
const MAX_RATIO = 200;
const ANY_RATIO_BYTES = 16 * 2 ** 20;

/** An open package; disposing of it closes the file. */
export interface ZipPackage extends Disposable {
  /**
   * Names of the files with their unpacked size in bytes, in the order of the directory. Folders are left
   * out.
   */
  readonly files: ReadonlyMap<string, number>;
  /** Returns the name of the file that `name` refers to: names are equal in any case (ECMA-376 part 2, 6.2.2). */
  nameOf(name: string): string;
  /**
   * Returns the bytes of a file as a stream, which fails where they do not match the directory.
   *
   * @throws FrameloomError `media_truncated`
   */
  open(name: string): Promise<Readable>;
  /**
   * Returns all bytes of a file, or undefined where there is none of that name.
   *
   * @throws FrameloomError `media_too_large` above `maxBytes`, `media_truncated`
   */
  read(name: string, maxBytes: number): Promise<Buffer | undefined>;
}

/** Whether `name` is a relative path that stays inside a package. */
export function isValidPartName(name: string): boolean {
  return name !== '' && yauzl.validateFileName(name) === null;
}

/**
 * Opens the ZIP package at `path` and checks its directory. Bytes before and after the package are ignored.
 *
 * @throws FrameloomError `media_truncated` for a damaged package, `media_too_large` for one with too many
 *   files or that unpacks to too many bytes, `encrypted_media`
 */
export async function openZip(path: string): Promise<ZipPackage> {
  const { reader, size } = await openArchive(path).catch((cause: unknown) => {
    throw damaged(cause);
  });
  const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true } as const;
  const zip = await yauzl.fromRandomAccessReaderPromise(reader, size, options).catch((cause: unknown) => {
    reader.close(() => undefined);
    throw damaged(cause);
  });
  try {
    return packageOf(zip, await readDirectory(zip, size));
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function readDirectory(zip: ZipFile, size: number): Promise<ReadonlyMap<string, Entry>> {
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
      if (entry.isEncrypted()) {
        throw new FrameloomError('encrypted_media', 'The package is encrypted. Save it without a password.');
      }
      const isBomb = unpacked > ANY_RATIO_BYTES && unpacked > MAX_RATIO * size;
      // Entries that share their bytes are a bomb as well: together they claim more than the file has.
      if (unpacked > MAX_UNPACKED_BYTES || isBomb || packed > size) throw unpacksTooLarge();
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
  const names = new Map([...entries.keys()].reverse().map((name) => [name.toLowerCase(), name]));
  return {
    nameOf: (name) => (entries.has(name) ? name : (names.get(name.toLowerCase()) ?? name)),
    files: new Map([...entries].map(([name, entry]) => [name, entry.uncompressedSize])),
    open,
    async read(name, maxBytes) {
      const entry = entries.get(name);
      if (!entry) return undefined;
      if (entry.uncompressedSize > maxBytes) {
        throw new FrameloomError(
          'media_too_large',
          `A file inside the package has more than ${maxBytes} bytes.`,
        );
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

function unpacksTooLarge(): FrameloomError {
  return new FrameloomError('media_too_large', 'The package unpacks to too many bytes.');
}

function damaged(cause: unknown): FrameloomError {
  const message = 'The package is cut off or damaged. Save and upload it again.';
  return new FrameloomError('media_truncated', message, { cause });
}
