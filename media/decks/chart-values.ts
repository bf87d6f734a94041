/** The labels and numbers that a chart stores of its worksheet, as the chart displays them. */
import { childrenOf, elementsOf, find, textOf, type XmlElement } from '../text/index.ts';

/** Texts by the number of their point; points without a value are absent. */
export type Points = ReadonlyMap<number, string>;

/** Days from the origin of serial dates, 1899-12-30, to that of Unix time; the 1904 system starts later. */
const UNIX_EPOCH_DAYS = 25_569;
const DAYS_TO_1904 = 1462;
const DAY_MS = 86_400_000;

/** Returns the points of a reference to cells (`c:cat`, `c:val`, `c:tx` …) or of literal values. */
export function pointsOf(reference: XmlElement | undefined, uses1904: boolean): Points {
  const source = elementsOf(reference).find(({ name }) => /(Ref|Lit)$/.test(name));
  const cache = source && (elementsOf(source).find(({ name }) => /Cache$/.test(name)) ?? source);
  const levels = childrenOf(cache, 'lvl');
  if (levels.length > 0) return joinLevels(levels.map((level) => levelPoints(level, '', uses1904)));
  return levelPoints(cache, textOf(find(cache, 'formatCode')), uses1904);
}

/** The points of one level. Without a format they are texts. */
export function levelPoints(level: XmlElement | undefined, format: string, uses1904: boolean): Points {
  const points = new Map<number, string>();
  for (const point of childrenOf(level, 'pt')) {
    // Charts of 2014 and later have the value in the point itself.
    const value = textOf(find(point, 'v') ?? point)
      .replace(/\s+/g, ' ')
      .trim();
    const code = point.attributes.formatCode ?? format;
    if (value !== '')
      points.set(Number(point.attributes.idx), code === '' ? value : shown(value, code, uses1904));
  }
  return points;
}

/**
 * Joins levels of categories, the innermost first: `2024 Q1`. An outer level has a point only where its group
 * begins.
 */
export function joinLevels(levels: readonly Points[]): Points {
  const [inner = new Map<number, string>(), ...outer] = levels;
  const joined = new Map<number, string>();
  for (const index of [...inner.keys()].sort((a, b) => a - b)) joined.set(index, inner.get(index) ?? '');
  for (const level of outer) {
    const starts = [...level.keys()].sort((a, b) => a - b);
    let next = 0;
    let group = '';
    for (const [index, label] of joined) {
      while (next < starts.length && (starts[next] ?? 0) <= index) {
        group = level.get(starts[next] ?? 0) ?? '';
        next += 1;
      }
      if (group !== '') joined.set(index, `${group} ${label}`);
    }
  }
  return joined;
}

/** A number in its format: percentages and dates; other formats change only decoration. */
function shown(value: string, format: string, uses1904: boolean): string {
  const number = Number(value);
  if (!Number.isFinite(number)) return value;
  const code = format.replace(/"[^"]*"|\[[^\]]*\]|\\./g, '');
  if (code.includes('%')) return `${tidy(number * 100)}%`;
  if (/[yd]|m{3}/i.test(code) && !/general/i.test(code)) return date(number, uses1904) ?? value;
  return /\d{16}|\d\.\d{15}/.test(value) ? tidy(number) : value;
}

/** Worksheets compute with binary fractions and display 15 digits. */
function tidy(number: number): string {
  return String(Number(number.toPrecision(15)));
}

function date(serial: number, uses1904: boolean): string | undefined {
  const days = serial + (uses1904 ? DAYS_TO_1904 : 0) - UNIX_EPOCH_DAYS;
  const time = new Date(Math.round(days * DAY_MS));
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString().slice(0, 10);
}
