/**
 * Writes presentations as PowerPoint does, part by part, with what the tests need and the means to break any
 * of it.
 */
import { rm } from 'node:fs/promises';
import { chartFrame } from './pptx-graphics.ts';
import { writeZip, type ZipPart } from './zip-writer.ts';

export interface SlideSpec {
  readonly title?: string;
  /** Paragraphs of the body placeholder. */
  readonly body?: readonly string[];
  /** More of the shape tree, as XML. */
  readonly shapes?: string;
  readonly notes?: string;
  readonly hidden?: boolean;
  /**
   * A picture with its description: `data` is what lies in the package, absent for a broken one; `url` makes
   * it a linked one.
   */
  readonly picture?: { readonly alt: string; readonly data?: Buffer; readonly url?: string };
  readonly link?: string;
  /** XML of charts, which are drawn below each other. */
  readonly charts?: readonly { readonly xml: string; readonly isNew?: boolean }[];
  /** Replaces the XML of the slide. */
  readonly xml?: string;
}

export interface PptxSpec {
  /** In the document properties. */
  readonly title?: string;
  readonly slides: readonly SlideSpec[];
  /** Parts added to the package, or put in place of one of the same name. */
  readonly parts?: readonly ZipPart[];
  readonly deflate?: boolean;
}

const A = 'http://schemas.openxmlformats.org/drawingml/2006/main';
const P = 'http://schemas.openxmlformats.org/presentationml/2006/main';
const R = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const NS = `xmlns:a="${A}" xmlns:r="${R}" xmlns:p="${P}"`;
const TYPE = 'application/vnd.openxmlformats-officedocument.presentationml';
/** 16:9 in English Metric Units. */
const SIZE = { width: 12_192_000, height: 6_858_000 };

/** Writes `spec` to `path`, over what is there. */
export async function makePptx(path: string, spec: PptxSpec): Promise<string> {
  const parts = new Map<string, Buffer>();
  for (const { name, data } of [
    ...frame(spec.slides),
    ...(spec.title === undefined ? [] : [properties(spec.title)]),
    ...spec.slides.flatMap(slideParts),
    ...(spec.parts ?? []),
  ]) {
    parts.set(name, data);
  }
  await rm(path, { force: true });
  await writeZip(
    path,
    [...parts].map(([name, data]) => ({ name, data })),
    { deflate: spec.deflate ?? true },
  );
  return path;
}

/** A shape with text at a place, in thousandths of the slide. */
export function textBox(text: string, x: number, y: number, width = 200, height = 100): string {
  return `<p:sp><p:nvSpPr><p:cNvPr id="9" name="box"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr>${transform(x, y, width, height)}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr>${textBody([text])}</p:sp>`;
}

/** Shapes in a group that takes this place; inside it they keep the coordinates of the slide. */
export function group(
  [x, y, width, height]: readonly [number, number, number, number],
  ...shapes: readonly string[]
): string {
  const place = transform(x, y, width, height);
  const inner = place.replaceAll(/<a:(off|ext) ([^>]*)\/>/g, (_, name: string, values: string) =>
    name === 'off' ? `<a:chOff ${values}/>` : `<a:chExt ${values}/>`,
  );
  const whole = place.replace('</a:xfrm>', inner.replace('<a:xfrm>', ''));
  return `<p:grpSp><p:nvGrpSpPr><p:cNvPr id="8" name="group"/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr>${whole}</p:grpSpPr>${shapes.join('')}</p:grpSp>`;
}

/** A table of text. */
export function table(rows: readonly (readonly string[])[], x: number, y: number): string {
  const grid = (rows[0] ?? []).map(() => '<a:gridCol w="2000000"/>').join('');
  const body = rows
    .map(
      (row) =>
        `<a:tr h="400000">${row.map((cell) => `<a:tc>${textBody([cell], 'a')}<a:tcPr/></a:tc>`).join('')}</a:tr>`,
    )
    .join('');
  return `<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="7" name="table"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr>${transform(x, y, 500, 200).replaceAll('a:xfrm', 'p:xfrm')}<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/table"><a:tbl><a:tblPr/><a:tblGrid>${grid}</a:tblGrid>${body}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>`;
}

function slideParts(slide: SlideSpec, index: number): readonly ZipPart[] {
  const number = index + 1;
  const { picture, notes, link, charts = [] } = slide;
  const image = `../media/image${number}.png`;
  const related = [
    relationship('rId1', 'slideLayout', '../slideLayouts/slideLayout1.xml'),
    notes === undefined ? '' : relationship('rId2', 'notesSlide', `../notesSlides/notesSlide${number}.xml`),
    picture &&
      (picture.url ? relationship('rId3', 'image', picture.url, true) : relationship('rId3', 'image', image)),
    link === undefined ? '' : relationship('rId4', 'hyperlink', link, true),
    ...charts.map(({ isNew }, at) =>
      relationship(`rIdChart${at}`, isNew ? 'chartEx' : 'chart', `../charts/chart${number}-${at}.xml`),
    ),
  ].join('');
  return [
    part(`ppt/slides/slide${number}.xml`, slide.xml ?? slideXml(slide)),
    part(`ppt/slides/_rels/slide${number}.xml.rels`, relationships(related)),
    ...(notes === undefined ? [] : notesParts(notes, number)),
    ...charts.map(({ xml }, at) => part(`ppt/charts/chart${number}-${at}.xml`, HEAD + xml)),
    ...(picture?.data ? [{ name: `ppt/media/image${number}.png`, data: picture.data }] : []),
  ];
}

function slideXml({ title, body, shapes = '', hidden, picture, link, charts = [] }: SlideSpec): string {
  const click = link === undefined ? '' : '<a:hlinkClick r:id="rId4"/>';
  const placeholder = (kind: string, name: string, lines: readonly string[]): string =>
    `<p:sp><p:nvSpPr><p:cNvPr id="2" name="${name}">${kind.includes('title') ? click : ''}</p:cNvPr><p:cNvSpPr/><p:nvPr><p:ph ${kind}/></p:nvPr></p:nvSpPr><p:spPr/>${textBody(lines)}</p:sp>`;
  const embed = picture?.url ? 'r:link="rId3"' : 'r:embed="rId3"';
  const drawn = picture
    ? `<p:pic><p:nvPicPr><p:cNvPr id="5" name="pic" descr="${escapeXml(picture.alt)}"/><p:cNvPicPr/><p:nvPr/></p:nvPicPr><p:blipFill><a:blip ${embed}/><a:stretch><a:fillRect/></a:stretch></p:blipFill><p:spPr>${transform(600, 400, 300, 400)}<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></p:spPr></p:pic>`
    : '';
  const tree = [
    drawn,
    shapes,
    body ? placeholder('idx="1"', 'Body', body) : '',
    ...charts.map(({ isNew }, at) => chartFrame(`rIdChart${at}`, isNew)),
    title === undefined ? '' : placeholder('type="title"', 'Title', [title]),
  ].join('');
  return `${HEAD}<p:sld ${NS}${hidden ? ' show="0"' : ''}><p:cSld>${shapeTree(tree)}</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sld>`;
}

function notesParts(notes: string, number: number): readonly ZipPart[] {
  const body = `<p:sp><p:nvSpPr><p:cNvPr id="3" name="Notes"/><p:cNvSpPr/><p:nvPr><p:ph type="body" idx="1"/></p:nvPr></p:nvSpPr><p:spPr/>${textBody(notes.split('\n'))}</p:sp>`;
  const counter = `<p:sp><p:nvSpPr><p:cNvPr id="4" name="Number"/><p:cNvSpPr/><p:nvPr><p:ph type="sldNum" idx="5"/></p:nvPr></p:nvSpPr><p:spPr/>${textBody([String(number)])}</p:sp>`;
  return [
    part(
      `ppt/notesSlides/notesSlide${number}.xml`,
      `${HEAD}<p:notes ${NS}><p:cSld>${shapeTree(counter + body)}</p:cSld></p:notes>`,
    ),
    part(
      `ppt/notesSlides/_rels/notesSlide${number}.xml.rels`,
      relationships(relationship('rId1', 'slide', `../slides/slide${number}.xml`)),
    ),
  ];
}

function properties(title: string): ZipPart {
  return part(
    'docProps/core.xml',
    `${HEAD}<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>${escapeXml(title)}</dc:title></cp:coreProperties>`,
  );
}

/** All parts but those of single slides. */
function frame(slides: readonly SlideSpec[]): readonly ZipPart[] {
  const override = (name: string, kind: string): string =>
    `<Override PartName="/ppt/${name}.xml" ContentType="${TYPE}.${kind}+xml"/>`;
  const types = [
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>',
    '<Default Extension="xml" ContentType="application/xml"/><Default Extension="png" ContentType="image/png"/>',
    override('presentation', 'presentation.main'),
    override('slideMasters/slideMaster1', 'slideMaster'),
    override('slideLayouts/slideLayout1', 'slideLayout'),
    '<Override PartName="/ppt/theme/theme1.xml" ContentType="application/vnd.openxmlformats-officedocument.theme+xml"/>',
    ...slides.flatMap(({ notes }, index) => [
      override(`slides/slide${index + 1}`, 'slide'),
      ...(notes === undefined ? [] : [override(`notesSlides/notesSlide${index + 1}`, 'notesSlide')]),
    ]),
  ].join('');
  const ids = slides.map((_, index) => `<p:sldId id="${256 + index}" r:id="rId${index + 10}"/>`).join('');
  const related = slides.map((_, index) =>
    relationship(`rId${index + 10}`, 'slide', `slides/slide${index + 1}.xml`),
  );
  return [
    part(
      '[Content_Types].xml',
      `${HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">${types}</Types>`,
    ),
    part('_rels/.rels', relationships(relationship('rId1', 'officeDocument', 'ppt/presentation.xml'))),
    part(
      'ppt/presentation.xml',
      `${HEAD}<p:presentation ${NS}><p:sldMasterIdLst><p:sldMasterId id="2147483648" r:id="rId1"/></p:sldMasterIdLst><p:sldIdLst>${ids}</p:sldIdLst><p:sldSz cx="${SIZE.width}" cy="${SIZE.height}"/><p:notesSz cx="6858000" cy="9144000"/></p:presentation>`,
    ),
    part(
      'ppt/_rels/presentation.xml.rels',
      relationships(relationship('rId1', 'slideMaster', 'slideMasters/slideMaster1.xml') + related.join('')),
    ),
    part('ppt/theme/theme1.xml', THEME),
    part('ppt/slideMasters/slideMaster1.xml', MASTER),
    part(
      'ppt/slideMasters/_rels/slideMaster1.xml.rels',
      relationships(
        relationship('rId1', 'slideLayout', '../slideLayouts/slideLayout1.xml') +
          relationship('rId2', 'theme', '../theme/theme1.xml'),
      ),
    ),
    part('ppt/slideLayouts/slideLayout1.xml', LAYOUT),
    part(
      'ppt/slideLayouts/_rels/slideLayout1.xml.rels',
      relationships(relationship('rId1', 'slideMaster', '../slideMasters/slideMaster1.xml')),
    ),
  ];
}

const PLACES = [
  ['title', 'type="title"', 60, 60, 880, 180],
  ['body', 'type="body" idx="1"', 60, 280, 500, 600],
] as const;
const PLACEHOLDERS = PLACES.map(
  ([name, kind, x, y, width, height]) =>
    `<p:sp><p:nvSpPr><p:cNvPr id="2" name="${name}"/><p:cNvSpPr/><p:nvPr><p:ph ${kind}/></p:nvPr></p:nvSpPr><p:spPr>${transform(x, y, width, height)}</p:spPr>${textBody([''])}</p:sp>`,
).join('');
const LAYOUT = `${HEAD}<p:sldLayout ${NS} type="obj"><p:cSld name="Title and Content">${shapeTree(PLACEHOLDERS)}</p:cSld><p:clrMapOvr><a:masterClrMapping/></p:clrMapOvr></p:sldLayout>`;
const MASTER = `${HEAD}<p:sldMaster ${NS}><p:cSld><p:bg><p:bgPr><a:solidFill><a:srgbClr val="FFFFFF"/></a:solidFill><a:effectLst/></p:bgPr></p:bg>${shapeTree(PLACEHOLDERS)}</p:cSld><p:clrMap bg1="lt1" tx1="dk1" bg2="lt2" tx2="dk2" accent1="accent1" accent2="accent2" accent3="accent3" accent4="accent4" accent5="accent5" accent6="accent6" hlink="hlink" folHlink="folHlink"/><p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="rId1"/></p:sldLayoutIdLst></p:sldMaster>`;
const COLOURS = [
  ['dk1', '000000'],
  ['lt1', 'FFFFFF'],
  ['dk2', '1F497D'],
  ['lt2', 'EEECE1'],
  ...[1, 2, 3, 4, 5, 6].map((n) => [`accent${n}`, '4F81BD']),
  ['hlink', '0000FF'],
  ['folHlink', '800080'],
]
  .map(([name, value]) => `<a:${name}><a:srgbClr val="${value}"/></a:${name}>`)
  .join('');
const FILL = '<a:solidFill><a:schemeClr val="phClr"/></a:solidFill>'.repeat(3);
const LINE = '<a:ln><a:solidFill><a:schemeClr val="phClr"/></a:solidFill></a:ln>'.repeat(3);
const EFFECT = '<a:effectStyle><a:effectLst/></a:effectStyle>'.repeat(3);
const FONTS = ['major', 'minor']
  .map(
    (name) =>
      `<a:${name}Font><a:latin typeface="DejaVu Sans"/><a:ea typeface=""/><a:cs typeface=""/></a:${name}Font>`,
  )
  .join('');
const THEME = `${HEAD}<a:theme xmlns:a="${A}" name="t"><a:themeElements><a:clrScheme name="c">${COLOURS}</a:clrScheme><a:fontScheme name="f">${FONTS}</a:fontScheme><a:fmtScheme name="s"><a:fillStyleLst>${FILL}</a:fillStyleLst><a:lnStyleLst>${LINE}</a:lnStyleLst><a:effectStyleLst>${EFFECT}</a:effectStyleLst><a:bgFillStyleLst>${FILL}</a:bgFillStyleLst></a:fmtScheme></a:themeElements></a:theme>`;

function shapeTree(shapes: string): string {
  return `<p:spTree><p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>${shapes}</p:spTree>`;
}

function textBody(lines: readonly string[], prefix: 'a' | 'p' = 'p'): string {
  const paragraphs = lines.map(
    (line) => `<a:p><a:r><a:rPr lang="en"/><a:t>${escapeXml(line)}</a:t></a:r></a:p>`,
  );
  return `<${prefix}:txBody><a:bodyPr/><a:lstStyle/>${paragraphs.join('')}</${prefix}:txBody>`;
}

function transform(x: number, y: number, width: number, height: number): string {
  const at = (share: number, of: number): number => Math.round((share / 1000) * of);
  return `<a:xfrm><a:off x="${at(x, SIZE.width)}" y="${at(y, SIZE.height)}"/><a:ext cx="${at(width, SIZE.width)}" cy="${at(height, SIZE.height)}"/></a:xfrm>`;
}

function relationship(id: string, type: string, target: string, external = false): string {
  return `<Relationship Id="${id}" Type="${R}/${type}" Target="${escapeXml(target)}"${external ? ' TargetMode="External"' : ''}/>`;
}

function relationships(list: string): string {
  return `${HEAD}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list}</Relationships>`;
}

function part(name: string, xml: string): ZipPart {
  return { name, data: Buffer.from(xml) };
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
