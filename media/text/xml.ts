/**
 * Parses XML of documents: only well-formed XML without a document type, so no entity can expand, and only
 * within limits that are checked while it is read, so that hostile XML ends early.
 */
import { SaxesParser } from 'saxes';
import { FrameloomError } from '../../core/errors.ts';

/** An element. Its name has no prefix: documents choose prefixes freely. */
export interface XmlElement {
  readonly name: string;
  /** Attributes by their full name, prefix included. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Elements and the text between them, in order. */
  readonly children: readonly (XmlElement | string)[];
}

/** The XML is not well-formed. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

/** Deepest nesting of elements. Slides of real presentations stay below 40. */
const MAX_DEPTH = 200;
/** Most attributes of one element, namespaces included. Real elements have fewer than 100. */
const MAX_ATTRIBUTES = 1000;
/** Most elements, attributes and texts together. A map drawn as a slide has a million. */
const MAX_NODES = 2_000_000;
/** Most characters and entities that are not allowed in XML; some programs write a few. */
const MAX_TOLERATED = 1000;
const TOLERATED =
  /: (undefined entity|malformed character entity|disallowed character|disallowed character in entity name)\.$/;

/** Elements without attributes or content share these. */
const NO_ATTRIBUTES: XmlElement['attributes'] = Object.freeze({});
const NO_CHILDREN: XmlElement['children'] = Object.freeze([]);

/** An element while it is read. */
interface OpenElement {
  readonly name: string;
  readonly attributes: XmlElement['attributes'];
  children: (XmlElement | string)[] | undefined;
}

/** Throws `unsupported_media` where the XML declares a document type, which may define entities. */
export function rejectDocumentType(text: string): void {
  if (/<!(DOCTYPE|ENTITY)/i.test(text)) {
    throw new FrameloomError(
      'unsupported_media',
      'XML with a document type (DOCTYPE) is not accepted. Remove it.',
    );
  }
}

/**
 * Returns the root element. The time is proportional to the length of the text.
 *
 * @throws XmlError
 * @throws FrameloomError `unsupported_media` for a document type, `media_too_large` above a limit, which the
 *   message names
 */
export function parseXml(text: string): XmlElement {
  rejectDocumentType(text);
  const tree = createTree();
  const parser = new SaxesParser({ xmlns: false });
  let attributes = 0;
  let tolerated = 0;
  parser.on('error', (error) => {
    tolerated += 1;
    if (tolerated > MAX_TOLERATED || !TOLERATED.test(error.message))
      throw new XmlError('The XML is not well-formed.', { cause: error });
  });
  parser.on('attribute', () => {
    tree.count();
    attributes += 1;
    if (attributes > MAX_ATTRIBUTES) throw tooLarge(`more than ${MAX_ATTRIBUTES} attributes in one element`);
  });
  parser.on('opentag', (tag) => {
    tree.open(tag.name, attributes === 0 ? NO_ATTRIBUTES : tag.attributes);
    attributes = 0;
  });
  parser.on('text', tree.text);
  parser.on('cdata', tree.text);
  parser.on('closetag', tree.close);
  parser.write(text.trimStart()).close();
  const root = tree.root();
  if (!root) throw new XmlError('The XML is empty.');
  return root;
}

/** Builds the elements from the events of the parser. */
function createTree() {
  const path: OpenElement[] = [];
  let nodes = 0;
  let root: XmlElement | undefined;
  const count = (): void => {
    nodes += 1;
    if (nodes > MAX_NODES) throw tooLarge(`more than ${MAX_NODES} elements, attributes and texts`);
  };
  const append = (child: XmlElement | string): void => {
    const parent = path.at(-1);
    if (!parent) return;
    if (parent.children) parent.children.push(child);
    else parent.children = [child];
  };
  return {
    count,
    open(name: string, attributes: XmlElement['attributes']): void {
      count();
      if (path.length >= MAX_DEPTH) throw tooLarge(`elements nested deeper than ${MAX_DEPTH}`);
      path.push({ name: name.slice(name.lastIndexOf(':') + 1), attributes, children: undefined });
    },
    text(text: string): void {
      count();
      append(text);
    },
    close(): void {
      const element = path.pop();
      if (!element) return;
      const { name, attributes, children = NO_CHILDREN } = element;
      const closed = { name, attributes, children };
      if (path.length === 0) root = closed;
      else append(closed);
    },
    root: () => root,
  };
}

function tooLarge(what: string): FrameloomError {
  return new FrameloomError('media_too_large', `XML with ${what} is not accepted.`);
}

/** Returns the child elements. */
export function elementsOf(element: XmlElement | undefined): readonly XmlElement[] {
  return (element?.children ?? []).filter((child): child is XmlElement => typeof child !== 'string');
}

/** Returns the child elements with `name`. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return elementsOf(element).filter((child) => child.name === name);
}

/** Returns the first descendant along the path `names`. */
export function find(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of names) found = childrenOf(found, name)[0];
  return found;
}

/** Returns all elements with `name` below `element`, in document order. */
export function descendants(element: XmlElement, name: string): readonly XmlElement[] {
  const found: XmlElement[] = [];
  collect(element, name, found);
  return found;
}

function collect(element: XmlElement, name: string, found: XmlElement[]): void {
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    if (child.name === name) found.push(child);
    collect(child, name, found);
  }
}

/** Returns all text below `element`, unchanged. */
export function textOf(element: XmlElement | undefined): string {
  return (element?.children ?? [])
    .map((child) => (typeof child === 'string' ? child : textOf(child)))
    .join('');
}
