/**
 * Writes an equation (Office Math, ECMA-376 part 1, 22.1) on one line, as people type it: `E=mc2`,
 * `(a+b)/2`, `x_1`, `∑_(i=1)^n i`.
 */
import { childrenOf, find, textOf, type XmlElement } from '../text/index.ts';

/** Names of the elements that contain an equation in a paragraph. */
export const EQUATIONS = new Set(['m', 'oMath', 'oMathPara']);

/** Returns the text of an element of an equation. */
export function mathText(element: XmlElement): string {
  const part = (name: string): string => inside(find(element, name));
  switch (element.name) {
    case 'r':
      return childrenOf(element, 't')
        .map((text) => plainLetters(textOf(text)))
        .join('');
    case 'oMathPara':
      return childrenOf(element, 'oMath').map(inside).join('\n');
    case 'f':
      return fraction(element, part('num'), part('den'));
    case 'sSup':
      return part('e') === '' ? '' : power(part('e'), part('sup'));
    case 'sSub':
      return `${grouped(part('e'))}${lower(part('sub'))}`;
    case 'sSubSup':
      return `${grouped(part('e'))}${lower(part('sub'))}${upper(part('sup'))}`;
    case 'sPre':
      return `${lower(part('sub'))}${upper(part('sup'))}${grouped(part('e'))}`;
    case 'rad':
      return root(part('deg'), part('e'));
    case 'nary': {
      const sign = property(element, 'naryPr', 'chr') ?? '∫';
      return `${sign}${lower(part('sub'))}${upper(part('sup'))} ${part('e')}`;
    }
    case 'limLow':
      return `${part('e')}${lower(part('lim'))}`;
    case 'limUpp':
      return `${part('e')}${upper(part('lim'))}`;
    case 'func':
      return `${part('fName')}${part('e').startsWith('(') ? '' : ' '}${part('e')}`;
    case 'acc':
      return accented(part('e'), property(element, 'accPr', 'chr') ?? '\u0302');
    case 'd':
      return delimited(element);
    case 'eqArr':
      return childrenOf(element, 'e').map(inside).join('; ');
    case 'm':
      // The wrapper of an equation in a paragraph has the same name as a matrix.
      return find(element, 'mr') ? `[${rows(element)}]` : inside(element);
    case 'phant':
      return property(element, 'phantPr', 'show') === '0' ? '' : part('e');
    case 'AlternateContent':
      return inside(find(element, 'Choice')) || inside(find(element, 'Fallback'));
    default:
      return /Pr$/.test(element.name) ? '' : inside(element);
  }
}

/** The text of all elements in `element`. */
function inside(element: XmlElement | undefined): string {
  return (element?.children ?? [])
    .map((child) => (typeof child === 'string' ? '' : mathText(child)))
    .join('');
}

/** PowerPoint writes variables as the letters of mathematical alphabets: `𝐸` is E. */
function plainLetters(text: string): string {
  return text.replace(/[\u{1d400}-\u{1d7ff}\u210e]/gu, (letter) => letter.normalize('NFKC'));
}

function property(element: XmlElement, properties: string, name: string): string | undefined {
  const found = find(element, properties, name);
  return found && Object.entries(found.attributes).find(([key]) => /(^|:)val$/.test(key))?.[1];
}

function fraction(element: XmlElement, top: string, bottom: string): string {
  if (property(element, 'fPr', 'type') === 'noBar') return `binom(${top}, ${bottom})`;
  return `${grouped(top)}/${grouped(bottom)}`;
}

/** A power of a variable is written as in plain text, `x2`; where that could be misread, with `^`. */
function power(base: string, exponent: string): string {
  return /\p{L}$/u.test(base) && /^\d+$/.test(exponent)
    ? `${grouped(base)}${exponent}`
    : `${grouped(base)}${upper(exponent)}`;
}

function upper(text: string): string {
  return text === '' ? '' : `^${grouped(text)}`;
}

function lower(text: string): string {
  return text === '' ? '' : `_${grouped(text)}`;
}

function root(degree: string, text: string): string {
  if (degree === '') return `√${grouped(text)}`;
  return degree === '3' ? `∛${grouped(text)}` : `root(${degree}, ${text})`;
}

/** A mark over a single letter is combined with it; over more it is left out. */
function accented(text: string, mark: string): string {
  return [...text].length === 1 && /^\p{M}$/u.test(mark) ? `${text}${mark}` : text;
}

function delimited(element: XmlElement): string {
  const sign = (name: string, fallback: string): string => property(element, 'dPr', name) ?? fallback;
  const parts = childrenOf(element, 'e').map((part) => {
    const matrix = part.children.length === 1 ? find(part, 'm') : undefined;
    return matrix && find(matrix, 'mr') ? rows(matrix) : inside(part);
  });
  return `${sign('begChr', '(')}${parts.join(sign('sepChr', '|'))}${sign('endChr', ')')}`;
}

/** Rows of a matrix, separated by semicolons. */
function rows(matrix: XmlElement): string {
  return childrenOf(matrix, 'mr')
    .map((row) => childrenOf(row, 'e').map(inside).join(', '))
    .join('; ');
}

/** Puts parentheses around a text of several symbols that has none. */
function grouped(text: string): string {
  const isOne = /^[-−]?[\p{L}\p{M}\p{N}.,∞]*$/u.test(text) || /^\([^()]*\)$|^\[[^[\]]*\]$/.test(text);
  return isOne ? text : `(${text})`;
}
