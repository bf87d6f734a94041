/**
 * The copy of a PPTX that LibreOffice gets in place of what was sent: only parts that were read and found sound, nothing that
 * leads outside, nothing that runs. Slides that cannot be read are empty in it, hidden ones are shown, so that page and slide
 * numbers stay together.
 */
import { extname } from 'node:path';
import { writeZip, type ZipPackage, type ZipPart } from '../archive/index.ts';
import { rejectDocumentType } from '../text/index.ts';
import { type PptxSlide, relationships, xmlText } from './pptx.ts';

/** Largest part that is copied, in bytes; a larger picture is missing on its slide. */
const MAX_PART = 64 * 2 ** 20;
/** Parts that no picture of a slide needs: macros, controls, embedded documents, sound and films. */
const LEFT_OUT =
  /(^|\/)(vbaProject\.bin|activeX\/|embeddings\/)|\.(mp4|m4v|mov|wmv|avi|mpe?g|mkv|webm|mp3|m4a|wav|wma|aac)$/i;

const DRAWING = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const PRESENTATION = 'http://schemas.openxmlformats.org/presentationml/2006/main';
const RELATIONSHIPS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const EMPTY_SLIDE = `${XML}<p:sld xmlns:a="${DRAWING}" xmlns:p="${PRESENTATION}"><p:cSld><p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/></p:spTree></p:cSld></p:sld>`;

/** Writes the copy to `path`. Throws `unsupported_media` for a part with a document type, `media_truncated`. */
export async function copyPptx(zip: ZipPackage, slides: readonly PptxSlide[], path: string): Promise<void> {
  await writeZip(path, parts(zip, slides));
}

async function* parts(zip: ZipPackage, slides: readonly PptxSlide[]): AsyncGenerator<ZipPart> {
  const slideOf = new Map(slides.map((slide) => [slide.part, slide]));
  for (const slide of slides) {
    if (slide.damaged && slide.part !== '') yield { name: slide.part, data: Buffer.from(EMPTY_SLIDE) };
  }
  for (const [name, size] of zip.files) {
    const slide = slideOf.get(name);
    if (slide?.damaged || size > MAX_PART || LEFT_OUT.test(name)) continue;
    if (name.endsWith('.rels')) {
      yield { name, data: Buffer.from(await insideOnly(zip, name)) };
      continue;
    }
    const data = await zip.read(name, MAX_PART).catch(() => undefined); // a picture that cannot be unpacked is missing
    if (!data) continue;
    if (!['.xml', '.vml'].includes(extname(name).toLowerCase())) {
      yield { name, data };
      continue;
    }
    const text = xmlText(data);
    rejectDocumentType(text);
    yield { name, data: slide?.hidden ? Buffer.from(shown(text)) : data };
  }
}

/** The relationships in `name` without those that lead outside; links to click on lead nowhere by themselves. */
async function insideOnly(zip: ZipPackage, name: string): Promise<string> {
  const source = name.replace(/(^|\/)_rels\/([^/]*)\.rels$/, '$1$2');
  const kept = [...(await relationships(zip, source))].filter(
    ([, { type, target, external }]) =>
      !external || (type.endsWith('/hyperlink') && /^(https?|mailto):/i.test(target)),
  );
  const lines = kept.map(([id, { type, target, external }]) => {
    const place = external
      ? `Target="${escapeXml(target)}" TargetMode="External"`
      : `Target="/${escapeXml(target)}"`;
    return `<Relationship Id="${escapeXml(id)}" Type="${escapeXml(type)}" ${place}/>`;
  });
  return `${XML}<Relationships xmlns="${RELATIONSHIPS}">${lines.join('')}</Relationships>`;
}

/** The slide without the mark that hides it. */
function shown(text: string): string {
  return text.replace(/(<(?:\w+:)?sld\b[^>]*?)\s+show\s*=\s*(["'])(?:0|false)\2/, '$1');
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
