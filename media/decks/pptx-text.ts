/** The text of the paragraphs of a slide, with their equations. */
import { childrenOf, find, textOf, type XmlElement } from '../text/index.ts';
import { EQUATIONS, mathText } from './math-text.ts';

/** Returns the paragraphs of a text body, one per line, without slide number fields. */
export function bodyText(body: XmlElement | undefined): string {
  return childrenOf(body, 'p')
    .map((paragraph) => runsText(paragraph))
    .filter((line) => line.trim() !== '')
    .join('\n');
}

function runsText(parent: XmlElement): string {
  return parent.children.map((run) => (typeof run === 'string' ? '' : runText(run))).join('');
}

function runText(run: XmlElement): string {
  if (run.name === 'br') return '\n';
  if (run.name === 'fld' && run.attributes.type === 'slidenum') return '';
  if (EQUATIONS.has(run.name)) return mathText(run);
  if (run.name === 'AlternateContent') return firstBranch(run, runsText, (text) => text.trim() !== '') ?? '';
  return unescaped(textOf(find(run, 't')));
}

/**
 * Reads the branches of an `AlternateContent` in order and returns the first that `isContent`: programs
 * display one of them, the first that they know, and each says the same in other words.
 */
export function firstBranch<T>(
  alternate: XmlElement,
  read: (branch: XmlElement) => T,
  isContent: (found: T) => boolean,
): T | undefined {
  for (const branch of [...childrenOf(alternate, 'Choice'), ...childrenOf(alternate, 'Fallback')]) {
    const found = read(branch);
    if (isContent(found)) return found;
  }
  return undefined;
}

/** Office writes characters that XML does not allow by their code: `_x000B_` is a line break. */
function unescaped(text: string): string {
  return text.replace(/_x([0-9A-F]{4})_/g, (_, code: string) => {
    const char = String.fromCharCode(Number.parseInt(code, 16));
    return char === '\v' ? '\n' : char;
  });
}
