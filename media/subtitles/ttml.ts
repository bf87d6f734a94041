/** Parses TTML, the subtitles of broadcasters (also called DFXP, EBU-TT and IMSC). */
import { descendants, type XmlElement } from '../text/index.ts';
import type { ParsedCues, WrittenCue } from './parsed.ts';
import { type TtmlClock, ttmlClock } from './ttml-time.ts';

/** The part of the timeline in which an element is active. */
interface Interval {
  readonly begin: number;
  readonly end: number;
}

interface Context {
  readonly clock: TtmlClock;
  readonly regions: ReadonlyMap<string, Interval>;
  readonly cues: WrittenCue[];
  withoutTime: number;
}

/** What an element inherits. */
interface Inherited {
  /** Time to which `begin` and `end` are relative. */
  readonly from: number;
  /** End of the parent. */
  readonly until: number;
  /** Whether an ancestor has a time. */
  readonly isTimed: boolean;
  readonly region: string | undefined;
  readonly keepsSpace: boolean;
}

const CONTAINERS = new Set(['tt', 'body', 'div', 'p', 'span']);

/** Returns a cue for each paragraph, and for each timed span in one, with the times of the standard. */
export function parseTtml(root: XmlElement): ParsedCues {
  const clock = ttmlClock(root);
  const context: Context = { clock, regions: regionsOf(root, clock), cues: [], withoutTime: 0 };
  visit(
    root,
    { from: 0, until: Number.POSITIVE_INFINITY, isTimed: false, region: undefined, keepsSpace: false },
    context,
  );
  const { origin } = clock;
  return {
    cues: context.cues.map(({ start, end, text }) => ({
      start: start - origin,
      end: end === undefined ? undefined : end - origin,
      text,
    })),
    withoutTime: context.withoutTime,
  };
}

/** Adds the cues of the element. Returns when it ends: a next sibling in sequence begins then. */
function visit(element: XmlElement, inherited: Inherited, context: Context): number {
  if (!CONTAINERS.has(element.name)) return inherited.from;
  const { attributes } = element;
  const times = timesOf(element, inherited, context.clock);
  const isTimed = inherited.isTimed || hasTime(element);
  const region = attributes.region ?? inherited.region;
  const space = attributes['xml:space'];
  const keepsSpace = space === undefined ? inherited.keepsSpace : space === 'preserve';
  const inside = { isTimed, region, keepsSpace };
  if (element.name === 'p' || element.name === 'span') {
    const words = ownText(element, keepsSpace).trim();
    if (words !== '') addCue(words, times, inside, context);
  }
  if (!times) {
    context.withoutTime += descendants(element, 'p').length;
    return inherited.from;
  }
  const isSequence = attributes.timeContainer === 'seq';
  let from = times.begin;
  let latest = times.begin;
  for (const child of timedChildren(element)) {
    const end = visit(child, { ...inside, from, until: times.end }, context);
    latest = Math.max(latest, end);
    if (isSequence) from = end;
  }
  return Number.isFinite(times.end) ? times.end : latest > times.begin ? latest : times.end;
}

/** Returns undefined where a time cannot be read. */
function timesOf(
  { attributes }: XmlElement,
  { from, until }: Pick<Inherited, 'from' | 'until'>,
  clock: TtmlClock,
): Interval | undefined {
  const [begin = 0, end = Number.POSITIVE_INFINITY, duration = Number.POSITIVE_INFINITY] = (
    ['begin', 'end', 'dur'] as const
  ).map((name) => {
    const expression = attributes[name];
    return expression === undefined ? undefined : (clock.read(expression) ?? Number.NaN);
  });
  if ([begin, end, duration].some(Number.isNaN)) return undefined;
  return { begin: from + begin, end: Math.min(from + end, from + begin + duration, until) };
}

function hasTime({ attributes: { begin, end, dur } }: XmlElement): boolean {
  return begin !== undefined || end !== undefined || dur !== undefined;
}

function addCue(
  text: string,
  times: Interval | undefined,
  { isTimed, region }: Pick<Inherited, 'isTimed' | 'region'>,
  context: Context,
): void {
  // Content is visible while its region is.
  const visible = context.regions.get(region ?? '');
  const [begin, end] = [
    Math.max(times?.begin ?? 0, visible?.begin ?? 0),
    Math.min(times?.end ?? 0, visible?.end ?? Number.POSITIVE_INFINITY),
  ];
  const shown = begin < end ? { begin, end } : times;
  if (!shown || !(isTimed || visible) || !Number.isFinite(shown.begin)) context.withoutTime += 1;
  else
    context.cues.push({ start: shown.begin, end: Number.isFinite(shown.end) ? shown.end : undefined, text });
}

/** The regions that have times, by name. */
function regionsOf(root: XmlElement, clock: TtmlClock): ReadonlyMap<string, Interval> {
  const whole = { from: 0, until: Number.POSITIVE_INFINITY };
  return new Map(
    descendants(root, 'region').flatMap((region) => {
      const times = hasTime(region) ? timesOf(region, whole, clock) : undefined;
      return times ? [[region.attributes['xml:id'] ?? region.attributes.id ?? '', times] as const] : [];
    }),
  );
}

/** The text of an element that has its times: without spans that have times of their own. */
function ownText(element: XmlElement, keepsSpace: boolean): string {
  return element.children
    .map((child) => {
      if (typeof child === 'string') return keepsSpace ? child : child.replace(/\s+/g, ' ');
      if (child.name === 'br') return '\n';
      if (child.name !== 'span') return '';
      return isOwnCue(child) ? ' ' : ownText(child, keepsSpace);
    })
    .join('');
}

/** Children with times of their own. Those of a span without times count as children of its parent. */
function timedChildren(element: XmlElement): readonly XmlElement[] {
  const isInline = element.name === 'p' || element.name === 'span';
  return element.children.flatMap((child) => {
    if (typeof child === 'string') return [];
    if (!isInline || isOwnCue(child)) return [child];
    return child.name === 'span' ? timedChildren(child) : [];
  });
}

function isOwnCue(element: XmlElement): boolean {
  return element.name === 'span' && (hasTime(element) || element.attributes.timeContainer === 'seq');
}
