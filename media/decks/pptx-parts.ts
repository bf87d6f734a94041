/** The files of a PPTX package: their XML, and how they refer to each other. */
import { posix } from 'node:path';
import { type ErrorCode, FrameloomError } from '../../core/errors.ts';
import type { ZipPackage } from '../archive/index.ts';
import { childrenOf, parseXml, type XmlElement, XmlError } from '../text/index.ts';

/** Largest XML file that is read: larger than any slide made by a person. */
const MAX_PART_BYTES = 16 * 2 ** 20;

/** A reference from one file of the package to another or to something outside. */
export interface Relationship {
  readonly type: string;
  /** Name of the file in the package, or an external address. */
  readonly target: string;
  readonly external: boolean;
}

/** Relationships by their id. */
export type Relationships = ReadonlyMap<string, Relationship>;

/**
 * Returns the relationships of a file; of the package for an empty name. None where they cannot be read.
 *
 * @throws FrameloomError `unsupported_media` for a document type, `media_too_large`
 */
export async function relationships(zip: ZipPackage, name: string): Promise<Relationships> {
  const folder = posix.dirname(name);
  const list = await ifReadable(readXml(zip, posix.join(folder, '_rels', `${posix.basename(name)}.rels`)));
  return new Map(
    childrenOf(list, 'Relationship').map(({ attributes }) => {
      const external = attributes.TargetMode === 'External';
      const target = attributes.Target ?? '';
      const within = target.startsWith('/') ? target.slice(1) : posix.join(folder, target);
      return [
        attributes.Id ?? '',
        { type: attributes.Type ?? '', target: external ? target : zip.nameOf(within), external },
      ];
    }),
  );
}

/** The first relationship of this kind to a file of the package. */
export function relatedPart(related: Relationships, kind: string): string | undefined {
  return [...related.values()].find(({ type, external }) => !external && type.endsWith(`/${kind}`))?.target;
}

/**
 * Returns the root of an XML file, or undefined where there is none.
 *
 * @throws XmlError
 * @throws FrameloomError `media_truncated`, `media_too_large`, `unsupported_media` for a document type
 */
export async function readXml(zip: ZipPackage, name: string): Promise<XmlElement | undefined> {
  const bytes = await zip.read(name, MAX_PART_BYTES);
  return bytes && parseXml(xmlText(bytes));
}

/** Decodes XML by its first bytes; presentations are in UTF-8 or UTF-16. */
export function xmlText(bytes: Buffer): string {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  return new TextDecoder(encoding).decode(bytes);
}

/** Undefined for a file that is damaged: it is missing and no more. */
export async function ifReadable<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof XmlError) return undefined;
    if (error instanceof FrameloomError && error.code === 'media_truncated') return undefined;
    throw error;
  });
}

/** A part of a slide that is not read, and why. */
export interface LeftOut {
  readonly reason: ErrorCode;
  readonly message: string;
}

/**
 * The same for a file that a slide can do without, `what`: it may also be too large. A file that is not read
 * is added to `leftOut`.
 */
export async function ifUsable<T>(
  what: string,
  reading: Promise<T>,
  leftOut: LeftOut[],
): Promise<T | undefined> {
  const add = (reason: ErrorCode, why: string): undefined => {
    leftOut.push({ reason, message: `${what} cannot be read: ${why}` });
  };
  try {
    return await reading;
  } catch (error) {
    if (error instanceof XmlError) return add('media_truncated', error.message);
    const isLeftOut =
      error instanceof FrameloomError &&
      (error.code === 'media_truncated' || error.code === 'media_too_large');
    if (isLeftOut) return add(error.code, error.message);
    throw error;
  }
}
