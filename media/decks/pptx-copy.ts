/**
 * Writes the sanitized copy of a PPTX that LibreOffice opens instead of the original: only files that were
 * read and are valid, no references to anything outside, nothing that runs. Slides that cannot be read are
 * empty in it and hidden slides are visible, so that page numbers equal slide numbers.
 */
import { extname } from 'node:path';
import { isValidPartName, writeZip, type ZipPackage, type ZipPart } from '../archive/index.ts';
import { rejectDocumentType } from '../text/index.ts';
import type { PptxSlide } from './pptx.ts';
import { relationships, xmlText } from './pptx-parts.ts';

/** Largest file that is copied; a larger image is missing on its slide. */
const MAX_PART_BYTES = 64 * 2 ** 20;
/** Files that the image of a slide does not need: macros, controls, embedded documents, audio and video. */
const LEFT_OUT =
  /(^|\/)(vbaProject\.bin|activeX\/|embeddings\/)|\.(mp4|m4v|mov|wmv|avi|mpe?g|mkv|webm|mp3|m4a|wav|wma|aac)$/i;

const DRAWING = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const PRESENTATION = 'http://schemas.openxmlformats.org/presentationml/2006/main';
const RELATIONSHIPS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const EMPTY_SLIDE = `${XML}<p:sld xmlns:a="${DRAWING}" xmlns:p="${PRESENTATION}"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/></p:spTree></p:cSld></p:sld>`;

/** Writes the copy to `path`. Throws `unsupported_media` for XML with a document type, `media_truncated`. */
export async function copyPptx(zip: ZipPackage, slides: readonly PptxSlide[], path: string): Promise<void> {
  await writeZip(path, partsOf(zip, slides));
}

async function* partsOf(zip: ZipPackage, slides: readonly PptxSlide[]): AsyncGenerator<ZipPart> {
  const slideByPart = new Map(slides.map((slide) => [slide.part, slide]));
  for (const { damaged, part } of slides) {
    if (damaged && isValidPartName(part)) yield { name: part, data: Buffer.from(EMPTY_SLIDE) };
  }
  for (const [name, size] of zip.files) {
    const slide = slideByPart.get(name);
    if (slide?.damaged || size > MAX_PART_BYTES || LEFT_OUT.test(name)) continue;
    if (name.endsWith('.rels')) {
      yield { name, data: Buffer.from(await internalRelationships(zip, name)) };
      continue;
    }
    // A damaged image is missing on its slide.
    const data = await zip.read(name, MAX_PART_BYTES).catch(() => undefined);
    if (!data) continue;
    if (!['.xml', '.vml'].includes(extname(name).toLowerCase())) {
      yield { name, data };
      continue;
    }
    const text = xmlText(data);
    rejectDocumentType(text);
    yield { name, data: slide?.hidden ? Buffer.from(withoutHiddenMark(text)) : data };
  }
}

/**
 * The relationships in `name` without those that point outside. Hyperlinks stay: nothing follows them by
 * itself.
 */
async function internalRelationships(zip: ZipPackage, name: string): Promise<string> {
  const source = name.replace(/(^|\/)_rels\/([^/]*)\.rels$/, '$1$2');
  const kept = [...(await relationships(zip, source))].filter(
    ([, { type, target, external }]) =>
      !external || (type.endsWith('/hyperlink') && /^(https?|mailto):/i.test(target)),
  );
  const lines = kept.map(([id, { type, target, external }]) => {
    const attributes = external
      ? `Target="${escapeXml(target)}" TargetMode="External"`
      : `Target="/${escapeXml(target)}"`;
    return `<Relationship Id="${escapeXml(id)}" Type="${escapeXml(type)}" ${attributes}/>`;
  });
  return `${XML}<Relationships xmlns="${RELATIONSHIPS}">${lines.join('')}</Relationships>`;
}

/** In two steps, each of which takes time proportional to the length of the text. */
function withoutHiddenMark(text: string): string {
  return text.replace(/<(?:\w+:)?sld\b[^>]*/, (tag) => tag.replace(/\sshow\s*=\s*(["'])(?:0|false)\1/, ' '));
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
