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
  plainText,
  textOf,
  type XmlElement,
  XmlError,
} from '../text/index.ts';
import { chartText } from './chart-text.ts';
import {
  ifReadable,
  ifUsable,
  type LeftOut,
  type Relationships,
  readXml,
  relatedPart,
  relationships,
} from './pptx-parts.ts';
import { shapesOf } from './pptx-shapes.ts';
import { bodyText } from './pptx-text.ts';

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
  /** Charts, diagrams or notes that are not read; on the first slide also the properties of the document. */
  readonly leftOut?: readonly LeftOut[];
}

/** Most characters of a slide's text or notes, and of its title. */
const MAX_TEXT_CHARS = 20_000;
const MAX_TITLE_CHARS = 200;
/** Most descriptions and most links of one slide. */
const MAX_LIST = 100;

/** Placeholders that PowerPoint fills in on every slide: date, footer, header, number. */
const REPEATED_PLACEHOLDERS = new Set(['dt', 'ftr', 'hdr', 'sldNum', 'sldImg']);

/** What a presentation says. */
export interface PptxText {
  /** Its title in the document properties, unless it is one that a program filled in. */
  readonly title?: string;
  readonly slides: readonly PptxSlide[];
}

/** Titles that programs write into new presentations. */
const DEFAULT_TITLE =
  /^(microsoft )?(office )?(power ?point|keynote|google slides)?[ -]*(presentation|pr[äe]sentation|présentation|presentación|apresentação|presentazione|presentatie|slide|folie|untitled|title|titel|titre|deck)?[ -]*\d*( ?\.(pptx?|pptm|potx|key|odp))?$/iu;

/**
 * Reads all slides of a presentation in their order, hidden ones included. A slide that cannot be read is
 * marked `damaged`.
 *
 * @throws FrameloomError `unsupported_media` (not a presentation, or XML with a document type),
 *   `media_truncated` where the list of slides cannot be read, `media_too_large` above `maxPages` or for XML
 *   above a limit, `no_pages`
 */
export async function parsePptx(zip: ZipPackage, maxPages: number): Promise<PptxText> {
  const roots = await relationships(zip, '');
  const main = relatedPart(roots, 'officeDocument') ?? zip.nameOf('ppt/presentation.xml');
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
  for (const [index, id] of ids.entries()) {
    const part = related.get(id ?? '')?.target ?? '';
    slides.push(await readSlide(zip, part).catch((error: unknown) => rejectSlide(index + 1, error)));
  }
  const leftOut: LeftOut[] = [];
  const title = await titleOf(zip, roots, leftOut);
  return { ...title, slides: slides.map((slide, index) => (index === 0 ? lacking(slide, leftOut) : slide)) };
}

function lacking(slide: PptxSlide, leftOut: readonly LeftOut[]): PptxSlide {
  return leftOut.length === 0 ? slide : { ...slide, leftOut: [...leftOut, ...(slide.leftOut ?? [])] };
}

function rejectSlide(number: number, error: unknown): never {
  if (!(error instanceof FrameloomError)) throw error;
  throw new FrameloomError(error.code, `Slide ${number}: ${error.message}`, { cause: error });
}

/** The title in the properties of the package (`docProps/core.xml`). */
async function titleOf(
  zip: ZipPackage,
  roots: Relationships,
  leftOut: LeftOut[],
): Promise<Pick<PptxText, 'title'>> {
  const part = relatedPart(roots, 'core-properties') ?? zip.nameOf('docProps/core.xml');
  const properties = await ifUsable('The title in the document properties', readXml(zip, part), leftOut);
  const title = oneLine(textOf(find(properties, 'title'))).slice(0, MAX_TITLE_CHARS);
  return DEFAULT_TITLE.test(title) ? {} : { title };
}

async function readSlide(zip: ZipPackage, name: string): Promise<PptxSlide> {
  const related = await relationships(zip, name);
  const leftOut: LeftOut[] = [];
  const notes = await notesOf(zip, related, leftOut);
  const unreadable = { part: name, text: '', alt: [], links: [], hidden: false, damaged: true };
  const slide = await ifReadable(readXml(zip, name));
  if (slide?.name !== 'sld') return lacking({ ...unreadable, ...notes }, leftOut);
  const graphics = await graphicTexts(zip, related, leftOut);
  const shapes = shapesOf(find(slide, 'cSld', 'spTree'), (id) => graphics.get(id) ?? '');
  const isTitle = (kind: string | undefined): boolean => kind === 'title' || kind === 'ctrTitle';
  const title = oneLine(shapes.find(({ placeholder }) => isTitle(placeholder))?.text ?? '');
  const content = shapes.filter(({ placeholder }) => !REPEATED_PLACEHOLDERS.has(placeholder ?? ''));
  const ordered = [
    ...content.filter(({ placeholder }) => isTitle(placeholder)),
    ...content.filter(({ placeholder }) => !isTitle(placeholder)),
  ];
  const read = {
    part: name,
    ...(title === '' ? {} : { title: title.slice(0, MAX_TITLE_CHARS) }),
    text: plainText(
      ordered
        .map(({ text }) => text)
        .filter((text) => text !== '')
        .join('\n'),
    ).slice(0, MAX_TEXT_CHARS),
    ...notes,
    alt: shapes
      .flatMap(({ alt }) => (alt === undefined ? [] : [plainText(alt).slice(0, 1000)]))
      .slice(0, MAX_LIST),
    links: linksOf(related),
    hidden: ['0', 'false'].includes(slide.attributes.show ?? ''),
    damaged: false,
  };
  return lacking(read, leftOut);
}

/** The texts of the charts and diagrams of a slide, by the id of their relationship. */
async function graphicTexts(
  zip: ZipPackage,
  related: Relationships,
  leftOut: LeftOut[],
): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const [id, { type, target, external }] of related) {
    const graphic = GRAPHICS[type.slice(type.lastIndexOf('/') + 1)];
    if (external || !graphic) continue;
    if (texts.size >= MAX_LIST) {
      leftOut.push({
        reason: 'media_too_large',
        message: `Charts and diagrams after the first ${MAX_LIST} are not read.`,
      });
      break;
    }
    const file = posix
      .basename(target)
      .replace(/[^\w.-]/g, '')
      .slice(0, 80);
    const what = `The ${graphic.kind} ${file}`;
    texts.set(id, graphic.read(await ifUsable(what, readXml(zip, target), leftOut)));
  }
  return texts;
}

interface Graphic {
  readonly kind: string;
  readonly read: (root: XmlElement | undefined) => string;
}

const CHART: Graphic = { kind: 'chart', read: chartText };
const GRAPHICS: Readonly<Partial<Record<string, Graphic>>> = {
  chart: CHART,
  chartEx: CHART,
  diagramData: { kind: 'diagram', read: diagramText },
};

async function notesOf(
  zip: ZipPackage,
  related: Relationships,
  leftOut: LeftOut[],
): Promise<{ readonly notes?: string }> {
  const name = relatedPart(related, 'notesSlide');
  const page = name === undefined ? undefined : await ifUsable('The notes', readXml(zip, name), leftOut);
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

function linksOf(related: Relationships): readonly string[] {
  const addresses = [...related.values()].flatMap(({ type, target, external }) =>
    external && type.endsWith('/hyperlink') && /^(https?|mailto):/i.test(target)
      ? [target.slice(0, 2048)]
      : [],
  );
  return [...new Set(addresses)].slice(0, MAX_LIST);
}

function relationshipId(element: XmlElement): string | undefined {
  // `r:id`, next to `id`; documents choose the prefix.
  return Object.entries(element.attributes).find(([name]) => /:id$/.test(name))?.[1];
}

function oneLine(text: string): string {
  return plainText(text).replace(/\s+/g, ' ');
}
