/** Parses TTML, the subtitles of broadcasters (also called DFXP, EBU-TT and IMSC). */
import type { Cue } from '../../schema/source.ts';
import { parseXml, type XmlElement } from '../text/index.ts';

interface Rates {
  readonly frames: number;
  readonly ticks: number;
}

/**
 * Returns one cue for each paragraph, or for each timed span of one, in seconds. Throws XmlError, and
 * `unsupported_media` for a document type.
 */
export function parseTtml(text: string): readonly Cue[] {
  const root = parseXml(text);
  const rates = {
    frames: parameter(root, 'frameRate') ?? 30,
    ticks: parameter(root, 'tickRate') ?? parameter(root, 'frameRate') ?? 1,
  };
  return cuesIn(root, 0, Number.POSITIVE_INFINITY, rates);
}

/** Times of an element are relative to those of its parent. */
function cuesIn(element: XmlElement, from: number, until: number, rates: Rates): readonly Cue[] {
  if (element.name === 'head') return [];
  const { begin, end, dur } = element.attributes;
  const start = from + (seconds(begin, rates) ?? 0);
  const ends = [
    end === undefined ? undefined : from + (seconds(end, rates) ?? 0),
    dur === undefined ? undefined : start + (seconds(dur, rates) ?? 0),
    until,
  ].filter((time) => time !== undefined);
  const stop = Math.min(...ends);
  const nested = element.children.filter((child): child is XmlElement => typeof child !== 'string');
  const isCue =
    element.name === 'span' || (element.name === 'p' && !nested.some(({ attributes }) => attributes.begin));
  if (isCue) {
    // Text without any time is dropped.
    const isTimed = begin !== undefined || from > 0;
    return isTimed ? [{ start, end: Number.isFinite(stop) ? stop : start, text: textWithin(element) }] : [];
  }
  return nested.flatMap((child) => cuesIn(child, start, stop, rates));
}

function textWithin(element: XmlElement): string {
  return element.children
    .map((child) => {
      if (typeof child === 'string') return child.replace(/\s+/g, ' ');
      if (child.name === 'br') return '\n';
      return child.name === 'metadata' ? '' : textWithin(child);
    })
    .join('');
}

function parameter(root: XmlElement, name: string): number | undefined {
  const value = Number(
    Object.entries(root.attributes).find(([key]) => key.replace(/^.*:/, '') === name)?.[1],
  );
  return value > 0 ? value : undefined;
}

/** A time expression: a clock with a fraction or with frames, or a number with its unit. */
function seconds(text: string | undefined, { frames, ticks }: Rates): number | undefined {
  const clock = /^(\d+):(\d{2}):(\d{2})(?:\.(\d+)|:(\d+(?:\.\d+)?))?$/.exec(text?.trim() ?? '');
  if (clock) {
    const [, h, m, s, fraction = '0', frame = '0'] = clock;
    return Number(h) * 3600 + Number(m) * 60 + Number(`${s}.${fraction}`) + Number(frame) / frames;
  }
  const offset = /^(\d+(?:\.\d+)?)(h|ms|m|s|f|t)$/.exec(text?.trim() ?? '');
  if (!offset) return undefined;
  const unit = { h: 3600, m: 60, s: 1, ms: 0.001, f: 1 / frames, t: 1 / ticks }[offset[2] ?? 's'] ?? 1;
  return Number(offset[1]) * unit;
}
