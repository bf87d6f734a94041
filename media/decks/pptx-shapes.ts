/** What stands on a slide of a PPTX: its shapes in the order they are read, their text, and what is said of pictures. */
import { childrenOf, descendants, find, textOf, type XmlElement } from '../text/index.ts';

/** A shape, table, picture or diagram with words, where it says so with its place. */
export interface SlideShape {
  /** Kind of its placeholder, such as `title`; undefined for shapes that fill none. */
  readonly placeholder: string | undefined;
  readonly text: string;
  /** The author's description of a picture. */
  readonly alt: string | undefined;
}

/** Finds the text of a diagram by the id of its relationship: diagrams lie in parts of their own. */
export type DiagramText = (relationship: string) => string;

interface Placed {
  readonly shapes: readonly SlideShape[];
  readonly box: Box | undefined;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The shapes of `tree` (`p:spTree`), those in groups included, in the order a reader takes them. */
export function shapesOf(tree: XmlElement | undefined, diagram: DiagramText): readonly SlideShape[] {
  return readingOrder(placedIn(tree, diagram)).flatMap(({ shapes }) => shapes);
}

function placedIn(tree: XmlElement | undefined, diagram: DiagramText): readonly Placed[] {
  return (tree?.children ?? []).flatMap((child) => {
    if (typeof child === 'string') return [];
    switch (child.name) {
      case 'grpSp':
        return [{ shapes: groupShapes(child, diagram), box: boxOf(find(child, 'grpSpPr', 'xfrm')) }];
      case 'AlternateContent':
        // The first choice is what current programs show; the fallback is a picture of the same.
        return placedIn(find(child, 'Choice') ?? find(child, 'Fallback'), diagram);
      case 'sp':
      case 'pic':
      case 'cxnSp':
        return [{ shapes: [shapeOf(child, diagram)], box: boxOf(find(child, 'spPr', 'xfrm')) }];
      case 'graphicFrame':
        return [{ shapes: [shapeOf(child, diagram)], box: boxOf(find(child, 'xfrm')) }];
      default:
        return [];
    }
  });
}

/** A group is read as a whole; its own coordinates order what is in it. A description of the group counts as well. */
function groupShapes(group: XmlElement, diagram: DiagramText): readonly SlideShape[] {
  const alt = altOf(group);
  return [
    ...(alt === undefined ? [] : [{ placeholder: undefined, text: '', alt }]),
    ...shapesOf(group, diagram),
  ];
}

function shapeOf(element: XmlElement, diagram: DiagramText): SlideShape {
  const properties = element.children.find(
    (child): child is XmlElement => typeof child !== 'string' && /^nv\w*Pr$/.test(child.name),
  );
  const placeholder = find(properties, 'nvPr', 'ph');
  return {
    placeholder: placeholder && (placeholder.attributes.type ?? 'obj'),
    text: element.name === 'graphicFrame' ? graphicText(element, diagram) : bodyText(find(element, 'txBody')),
    alt: altOf(element),
  };
}

function altOf(element: XmlElement): string | undefined {
  const name = element.children.find(
    (child): child is XmlElement => typeof child !== 'string' && /^nv\w*Pr$/.test(child.name),
  );
  const properties = find(name, 'cNvPr');
  if (!properties || descendants(properties, 'decorative').some(({ attributes }) => attributes.val === '1')) {
    return undefined;
  }
  const alt = (properties.attributes.descr || properties.attributes.title || '').replace(/\s+/g, ' ').trim();
  return alt === '' ? undefined : alt;
}

/** Rows of a table, cells parted by tabs; the nodes of a diagram. */
function graphicText(frame: XmlElement, diagram: DiagramText): string {
  const data = find(frame, 'graphic', 'graphicData');
  const table = find(data, 'tbl');
  if (table) {
    return childrenOf(table, 'tr')
      .map((row) =>
        childrenOf(row, 'tc')
          .map((cell) => bodyText(find(cell, 'txBody')).replace(/\s+/g, ' '))
          .join('\t')
          .trim(),
      )
      .filter((row) => row !== '')
      .join('\n');
  }
  const ids = find(data, 'relIds')?.attributes ?? {};
  const relationship = Object.entries(ids).find(([name]) => /(^|:)dm$/.test(name))?.[1];
  return relationship === undefined ? '' : diagram(relationship);
}

/** Paragraphs of a text body, one per line; numbers that the program fills in are left out. */
export function bodyText(body: XmlElement | undefined): string {
  return childrenOf(body, 'p')
    .map((paragraph) =>
      paragraph.children
        .map((run) => {
          if (typeof run === 'string') return '';
          if (run.name === 'br') return '\n';
          if (run.name === 'fld' && run.attributes.type === 'slidenum') return '';
          return textOf(find(run, 't'));
        })
        .join(''),
    )
    .filter((line) => line.trim() !== '')
    .join('\n');
}

function boxOf(transform: XmlElement | undefined): Box | undefined {
  const offset = find(transform, 'off')?.attributes;
  const extent = find(transform, 'ext')?.attributes;
  if (!offset || !extent) return undefined;
  const box = {
    x: Number(offset.x),
    y: Number(offset.y),
    width: Number(extent.cx),
    height: Number(extent.cy),
  };
  return Object.values(box).every(Number.isFinite) ? box : undefined;
}

/**
 * By rows from top to bottom, in a row from left to right: the file has them as they were stacked. What takes its place from the
 * layout of the slide (titles and bodies, as a rule) comes first, as in the file. Two shapes share a row when the middle of the
 * lower one is above the end of the upper one.
 */
function readingOrder(placed: readonly Placed[]): readonly Placed[] {
  const free = placed.filter(({ box }) => box === undefined);
  const boxed = placed.flatMap((item) => (item.box ? [{ item, box: item.box }] : []));
  const rows: { end: number; items: typeof boxed }[] = [];
  for (const entry of boxed.toSorted((a, b) => a.box.y - b.box.y || a.box.x - b.box.x)) {
    const row = rows.at(-1);
    if (row && entry.box.y + entry.box.height / 2 < row.end) row.items.push(entry);
    else rows.push({ end: entry.box.y + entry.box.height, items: [entry] });
  }
  return [
    ...free,
    ...rows.flatMap(({ items }) => items.toSorted((a, b) => a.box.x - b.box.x)).map(({ item }) => item),
  ];
}
