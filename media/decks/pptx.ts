/**
 * Reads the text of a PPTX from its XML: titles, text, speaker notes, image descriptions, and which slides
 * are hidden.
 */
import { posix } from 'node:path';
import { FrameloomError } from '../../core/errors.ts';
import type { ZipPackage } from '../archive/index.ts';
import {
  childrenOf,
  descendants,
  find,
  parseXml,
  plainText,
  type XmlElement,
  XmlError,
} from '../text/index.ts';
import { bodyText, shapesOf } from './pptx-shapes.ts';

/** The text of one slide. */
export interface PptxSlide {
  /** Name of its XML file in the package. */
  readonly part: string;
  readonly title?: string;
  readonly text: string;
  readonly notes?: string;
  /** Descriptions of its images. */
  readonly alt: readonly string[];
  /** Addresses to which it links. */
  readonly links: readonly string[];
  readonly hidden: boolean;
  /** Its XML is missing or cannot be read: nothing is known but that the slide exists. */
  readonly damaged: boolean;
}

/** Largest XML file that is read: larger than any slide made by a person. */
const MAX_PART_BYTES = 16 * 2 ** 20;
/** Most characters of a slide's text or notes, and of its title. */
const MAX_TEXT_CHARS = 20_000;
const MAX_TITLE_CHARS = 200;
/** Most descriptions and most links of one slide. */
const MAX_LIST = 100;

/** Placeholders that PowerPoint fills in on every slide: date, footer, header, number. */
const REPEATED_PLACEHOLDERS = new Set(['dt', 'ftr', 'hdr', 'sldNum', 'sldImg']);

/** A reference from one file of the package to another or to something outside. */
export interface Relationship {
  readonly type: string;
  /** Name of the file in the package, or an external address. */
  readonly target: string;
  readonly external: boolean;
}

/**
 * Reads all slides of a presentation in their order, hidden ones included. A slide that cannot be read is
 * marked `damaged`.
 *
 * @throws FrameloomError `unsupported_media` (not a presentation, or XML with a document type),
 *   `media_truncated` where the list of slides cannot be read, `media_too_large` above `maxPages`, `no_pages`
 */
export async function readPptx(zip: ZipPackage, maxPages: number): Promise<readonly PptxSlide[]> {
  const roots = [...(await relationships(zip, '')).values()];
  const main = roots.find(({ type }) => type.endsWith('/officeDocument'))?.target ?? 'ppt/presentation.xml';
  const presentation = await readXml(zip, main).catch((cause: unknown) => {
    throw cause instanceof XmlError
      ? new FrameloomError('media_truncated', 'The list of slides is damaged. Save the presentation again.', {
          cause,
        })
      : cause;
  });
  if (presentation?.name !== 'presentation') {
    throw new FrameloomError('unsupported_media', 'The file is not a PowerPoint presentation (PPTX).');
  }
  const related = await relationships(zip, main);
  const ids = childrenOf(find(presentation, 'sldIdLst'), 'sldId').map(relationshipId);
  if (ids.length === 0) throw new FrameloomError('no_pages', 'The presentation has no slides.');
  if (ids.length > maxPages) {
    throw new FrameloomError(
      'media_too_large',
      `The presentation has ${ids.length} slides; the limit is ${maxPages}.`,
    );
  }
  const slides: PptxSlide[] = [];
  for (const id of ids) slides.push(await readSlide(zip, related.get(id ?? '')?.target ?? ''));
  return slides;
}

async function readSlide(zip: ZipPackage, name: string): Promise<PptxSlide> {
  const unreadable = { part: name, text: '', alt: [], links: [], hidden: false, damaged: true };
  const slide = await undefinedIfUnreadable(readXml(zip, name));
  if (slide?.name !== 'sld') return { ...unreadable, ...(await notesOf(zip, name)) };
  const related = await relationships(zip, name);
  const diagrams = new Map<string, string>();
  for (const [id, { type, target, external }] of related) {
    if (!external && type.endsWith('/diagramData'))
      diagrams.set(id, diagramText(await undefinedIfUnreadable(readXml(zip, target))));
  }
  const shapes = shapesOf(find(slide, 'cSld', 'spTree'), (id) => diagrams.get(id) ?? '');
  const isTitle = (kind: string | undefined): boolean => kind === 'title' || kind === 'ctrTitle';
  const title = plainText(shapes.find(({ placeholder }) => isTitle(placeholder))?.text ?? '').replace(
    /\s+/g,
    ' ',
  );
  const content = shapes.filter(({ placeholder }) => !REPEATED_PLACEHOLDERS.has(placeholder ?? ''));
  const ordered = [
    ...content.filter(({ placeholder }) => isTitle(placeholder)),
    ...content.filter(({ placeholder }) => !isTitle(placeholder)),
  ];
  return {
    part: name,
    ...(title === '' ? {} : { title: title.slice(0, MAX_TITLE_CHARS) }),
    text: plainText(
      ordered
        .map(({ text }) => text)
        .filter((text) => text !== '')
        .join('\n'),
    ).slice(0, MAX_TEXT_CHARS),
    ...(await notesOf(zip, name)),
    alt: shapes
      .flatMap(({ alt }) => (alt === undefined ? [] : [plainText(alt).slice(0, 1000)]))
      .slice(0, MAX_LIST),
    links: linksOf(related),
    hidden: ['0', 'false'].includes(slide.attributes.show ?? ''),
    damaged: false,
  };
}

async function notesOf(zip: ZipPackage, slide: string): Promise<{ readonly notes?: string }> {
  const related = [...(await relationships(zip, slide)).values()];
  const name = related.find(({ type, external }) => !external && type.endsWith('/notesSlide'))?.target;
  const page = name === undefined ? undefined : await undefinedIfUnreadable(readXml(zip, name));
  if (!page) return {};
  const bodies = descendants(page, 'sp').filter(
    (shape) => find(shape, 'nvSpPr', 'nvPr', 'ph')?.attributes.type === 'body',
  );
  const notes = plainText(bodies.map((shape) => bodyText(find(shape, 'txBody'))).join('\n'));
  return notes === '' ? {} : { notes: notes.slice(0, MAX_TEXT_CHARS) };
}

/** The nodes of a diagram (SmartArt), one per line. */
function diagramText(data: XmlElement | undefined): string {
  if (!data) return '';
  return descendants(data, 'pt')
    .map((point) => bodyText(find(point, 't')))
    .filter((text) => text !== '')
    .join('\n');
}

function linksOf(related: ReadonlyMap<string, Relationship>): readonly string[] {
  const addresses = [...related.values()].flatMap(({ type, target, external }) =>
    external && type.endsWith('/hyperlink') && /^(https?|mailto):/i.test(target)
      ? [target.slice(0, 2048)]
      : [],
  );
  return [...new Set(addresses)].slice(0, MAX_LIST);
}

/**
 * Returns the relationships of a file by their id; of the package for an empty name. None where they cannot
 * be read.
 */
export async function relationships(
  zip: ZipPackage,
  name: string,
): Promise<ReadonlyMap<string, Relationship>> {
  const folder = posix.dirname(name);
  const list = await undefinedIfUnreadable(
    readXml(zip, posix.join(folder, '_rels', `${posix.basename(name)}.rels`)),
  );
  return new Map(
    childrenOf(list, 'Relationship').map(({ attributes }) => {
      const external = attributes.TargetMode === 'External';
      const target = attributes.Target ?? '';
      const within = target.startsWith('/') ? target.slice(1) : posix.join(folder, target);
      return [
        attributes.Id ?? '',
        { type: attributes.Type ?? '', target: external ? target : within, external },
      ];
    }),
  );
}

function relationshipId(element: XmlElement): string | undefined {
  // `r:id`, next to `id`; documents choose the prefix.
  return Object.entries(element.attributes).find(([name]) => /:id$/.test(name))?.[1];
}

/**
 * Returns the root of an XML file, or undefined where there is none. Throws XmlError, `media_truncated`,
 * `media_too_large`.
 */
async function readXml(zip: ZipPackage, name: string): Promise<XmlElement | undefined> {
  const bytes = await zip.read(name, MAX_PART_BYTES);
  return bytes && parseXml(xmlText(bytes));
}

/** Decodes XML by its first bytes; presentations are in UTF-8 or UTF-16. */
export function xmlText(bytes: Buffer): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(utf16 ? 'utf-16le' : 'utf-8').decode(bytes);
}

/**
 * An unreadable file of the package is missing and no more; XML with a document type, a likely attack,
 * rejects the package.
 */
async function undefinedIfUnreadable<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch((error: unknown) => {
    if (error instanceof XmlError) return undefined;
    if (error instanceof FrameloomError && error.code !== 'unsupported_media') return undefined;
    throw error;
  });
}
