/** The shapes of a PPTX slide in reading order, with their text and the descriptions of images. */
import { childrenOf, descendants, elementsOf, find, type XmlElement } from '../text/index.ts';
import { bodyText, firstBranch } from './pptx-text.ts';

/** A shape, table, image or diagram. */
export interface SlideShape {
  /** Kind of its placeholder, such as `title`; undefined for shapes that fill none. */
  readonly placeholder: string | undefined;
  readonly text: string;
  /** The author's description of an image. */
  readonly alt: string | undefined;
}

/**
 * Returns the text of a chart or diagram by the id of its relationship: these are in separate files of the
 * package.
 */
export type GraphicText = (relationship: string) => string;

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
export function shapesOf(tree: XmlElement | undefined, graphic: GraphicText): readonly SlideShape[] {
  return readingOrder(placedIn(tree, graphic)).flatMap(({ shapes }) => shapes);
}

function placedIn(tree: XmlElement | undefined, graphic: GraphicText): readonly Placed[] {
  return (tree?.children ?? []).flatMap((child) => {
    if (typeof child === 'string') return [];
    switch (child.name) {
      case 'grpSp':
        return [{ shapes: groupShapes(child, graphic), box: boxOf(find(child, 'grpSpPr', 'xfrm')) }];
      case 'AlternateContent':
        // Current programs display the first choice; the fallback is an image of the same.
        return (
          firstBranch(
            child,
            (branch) => placedIn(branch, graphic),
            (found) => found.length > 0,
          ) ?? []
        );
      case 'sp':
      case 'pic':
      case 'cxnSp':
        return [{ shapes: [shapeOf(child, graphic)], box: boxOf(find(child, 'spPr', 'xfrm')) }];
      case 'graphicFrame':
        return [{ shapes: [shapeOf(child, graphic)], box: boxOf(find(child, 'xfrm')) }];
      default:
        return [];
    }
  });
}

/** A group is read as a unit, ordered by its own coordinates. Its description is included. */
function groupShapes(group: XmlElement, graphic: GraphicText): readonly SlideShape[] {
  const alt = altOf(group);
  return [
    ...(alt === undefined ? [] : [{ placeholder: undefined, text: '', alt }]),
    ...shapesOf(group, graphic),
  ];
}

function shapeOf(element: XmlElement, graphic: GraphicText): SlideShape {
  const placeholder = find(propertiesOf(element), 'nvPr', 'ph');
  return {
    placeholder: placeholder && (placeholder.attributes.type ?? 'obj'),
    text: element.name === 'graphicFrame' ? graphicText(element, graphic) : bodyText(find(element, 'txBody')),
    alt: altOf(element),
  };
}

function propertiesOf(element: XmlElement): XmlElement | undefined {
  return elementsOf(element).find(({ name }) => /^nv\w*Pr$/.test(name));
}

function altOf(element: XmlElement): string | undefined {
  const properties = find(propertiesOf(element), 'cNvPr');
  if (!properties || descendants(properties, 'decorative').some(({ attributes }) => attributes.val === '1')) {
    return undefined;
  }
  const alt = (properties.attributes.descr || properties.attributes.title || '').replace(/\s+/g, ' ').trim();
  return alt === '' ? undefined : alt;
}

/** Rows of a table with cells separated by tabs, the text of a chart, or the nodes of a diagram. */
function graphicText(frame: XmlElement, graphic: GraphicText): string {
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
  const chart = find(data, 'chart');
  const id = chart ? relationshipOf(chart, 'id') : relationshipOf(find(data, 'relIds'), 'dm');
  return id === undefined ? '' : graphic(id);
}

/** A reference such as `r:id`; documents choose the prefix. */
function relationshipOf(element: XmlElement | undefined, name: string): string | undefined {
  return Object.entries(element?.attributes ?? {}).find(([key]) => key.replace(/^.*:/, '') === name)?.[1];
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
