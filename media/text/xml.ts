/** Parses XML of documents: only well-formed XML without a document type, so no entity can expand. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { FrameloomError } from '../../core/errors.ts';

/** An element. Its name has no prefix: documents choose prefixes freely. */
export interface XmlElement {
  readonly name: string;
  /** Attributes by their full name, prefix included. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Elements and the text between them, in order. */
  readonly children: readonly (XmlElement | string)[];
}

/** The XML is not well-formed or nested too deep. */
export class XmlError extends Error {
  override readonly name = 'XmlError';
}

/** Deepest nesting of elements. Slides of real presentations stay below 40. */
const MAX_DEPTH = 200;

/** Output of the parser with `preserveOrder`: one key with the children, and `:@` with the attributes. */
interface Parsed {
  readonly [name: string]: readonly Parsed[] | string | Readonly<Record<string, string>>;
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

/** Returns the root element. Throws XmlError, and `unsupported_media` for a document type. */
export function parseXml(text: string): XmlElement {
  rejectDocumentType(text);
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new XmlError(`The XML is not well-formed: line ${valid.err.line}.`);
  try {
    const parser = new XMLParser({
      preserveOrder: true,
      ignoreAttributes: false,
      attributeNamePrefix: '',
      parseTagValue: false,
      trimValues: false,
      ignoreDeclaration: true,
      ignorePiTags: true,
      processEntities: false,
      maxNestedTags: MAX_DEPTH,
      transformTagName: (name) => name.replace(/^.*:/, ''),
    });
    const roots = (parser.parse(text) as readonly Parsed[]).map(elementOf); // the shape of `preserveOrder`
    const root = roots.find((node) => typeof node !== 'string');
    if (root === undefined || typeof root === 'string') throw new XmlError('The XML is empty.');
    return root;
  } catch (error) {
    throw error instanceof XmlError ? error : new XmlError('The XML cannot be read.', { cause: error });
  }
}

function elementOf(parsed: Parsed): XmlElement | string {
  const name = Object.keys(parsed).find((key) => key !== ':@') ?? '';
  const content = parsed[name];
  if (name === '#text') return decode(String(content));
  const attributes = (parsed[':@'] ?? {}) as Readonly<Record<string, string>>; // see Parsed
  return {
    name,
    attributes: Object.fromEntries(
      Object.entries(attributes).map(([key, value]) => [key, decode(String(value))]),
    ),
    children: Array.isArray(content) ? content.map(elementOf) : [],
  };
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Replaces the five predefined entities and numeric references; anything else stays unchanged. */
function decode(text: string): string {
  return text.replace(
    /&(?:(amp|lt|gt|quot|apos)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
    (whole, name, decimal, hex) => {
      if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? whole;
      const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
      return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000)
        ? String.fromCodePoint(code)
        : '';
    },
  );
}

/** Returns the child elements with `name`. */
export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return (element?.children ?? []).filter(
    (child): child is XmlElement => typeof child !== 'string' && child.name === name,
  );
}

/** Returns the first descendant along the path `names`. */
export function find(element: XmlElement | undefined, ...names: readonly string[]): XmlElement | undefined {
  let found = element;
  for (const name of names) found = childrenOf(found, name)[0];
  return found;
}

/** Returns all elements with `name` below `element`, in document order. */
export function descendants(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.flatMap((child) =>
    typeof child === 'string' ? [] : [...(child.name === name ? [child] : []), ...descendants(child, name)],
  );
}

/** Returns all text below `element`, unchanged. */
export function textOf(element: XmlElement | undefined): string {
  return (element?.children ?? [])
    .map((child) => (typeof child === 'string' ? child : textOf(child)))
    .join('');
}
