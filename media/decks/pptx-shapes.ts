/** The shapes of a PPTX slide in reading order, with their text and the descriptions of images. */
import { childrenOf, descendants, find, textOf, type XmlElement } from '../text/index.ts';

/** A shape, table, image or diagram. */
export interface SlideShape {
  /** Kind of its placeholder, such as `title`; undefined for shapes that fill none. */
  readonly placeholder: string | undefined;
  readonly text: string;
  /** The author's description of an image. */
  readonly alt: string | undefined;
}

/**
 * Returns the text of a diagram by the id of its relationship: diagrams are in separate files of the package.
 */
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

/** Returns the shapes of `tree` (`p:spTree`), including those in groups, in reading order. */
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
        // Current programs display the first choice; the fallback is an image of the same.
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

/** A group is read as a unit, ordered by its own coordinates. Its description is included. */
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

/** Rows of a table with cells separated by tabs, or the nodes of a diagram. */
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

/** Returns the paragraphs of a text body, one per line, without slide number fields. */
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
 * Orders by rows from top to bottom and within a row from left to right; the file has them in stacking order.
 * Shapes without a position of their own (usually titles and bodies, placed by the layout) come first, in
 * file order. Two shapes are in one row where the middle of the lower one is above the end of the upper one.
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
