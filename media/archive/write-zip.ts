/** Writes ZIP packages with yazl, file by file, so that memory does not grow with the package. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import yazl from 'yazl';

/** A file of a package to be written. */
export interface ZipPart {
  /** A relative path without `..`; see `isValidPartName`. */
  readonly name: string;
  readonly data: Buffer;
}

/**
 * Compressed, because the size of a streamed file follows its data, which some readers accept for compressed
 * files only. With the earliest date that a package can express, equal parts give equal packages.
 */
const ENTRY = { compressionLevel: 1, mtime: new Date(1980, 0, 1), forceDosTimestamp: true } as const;

/** Writes `parts`, in order, as the package `path`, which must not exist. */
export async function writeZip(path: string, parts: AsyncIterable<ZipPart>): Promise<void> {
  const zip = new yazl.ZipFile();
  const failure = new AbortController();
  zip.on('error', (error: unknown) => failure.abort(error));
  const written = pipeline(zip.outputStream, createWriteStream(path, { flags: 'wx' }), {
    signal: failure.signal,
  });
  written.catch(() => undefined); // awaited below
  try {
    for await (const { name, data } of parts) {
      const content = Readable.from(data);
      zip.addReadStream(content, name, ENTRY);
      await Promise.race([finished(content), written]);
    }
    zip.end();
  } catch (error) {
    failure.abort(error);
    await written.catch(() => undefined);
    throw error;
  }
  await written;
}
