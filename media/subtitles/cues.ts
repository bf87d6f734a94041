/** Cues: the common form of subtitles, transcripts and recognized speech. */
import { FrameloomError } from '../../core/errors.ts';
import type { Cue, SkippedCues } from '../../schema/source.ts';
import { plainText } from '../text/index.ts';
import { toMilliseconds } from './clock.ts';
import { withoutMarkup } from './markup.ts';
import { type ParsedCues, withEnds } from './parsed.ts';
import { joinContinuedCues, type LinedCue } from './roll-up.ts';

/** Most cues that are accepted, and most characters of each: longer ones are divided. */
const MAX_CUES = 100_000;
const MAX_CHARS = 1_000;

/** Cues, and a count of those that have no place among them. */
export interface PlacedCues {
  readonly cues: readonly Cue[];
  readonly skipped: SkippedCues;
}

export interface PlaceOptions {
  /** Added to all times, in seconds. Default 0. */
  readonly shift?: number;
  /** `kept`: the text has no markup, and cues do not continue each other. Default `removed`. */
  readonly markup?: 'removed' | 'kept';
}

/**
 * Places cues on the timeline of the video: in order of their start, as plain text without line breaks, with
 * an end each. A cue that begins before the first frame begins with it. Captions that roll up are joined.
 *
 * @throws FrameloomError `media_too_large` for more than 100,000 cues
 */
export function placeCues(
  { cues: written, withoutTime }: ParsedCues,
  { shift = 0, markup = 'removed' }: PlaceOptions = {},
): PlacedCues {
  if (written.length > MAX_CUES) {
    throw new FrameloomError(
      'media_too_large',
      `The transcript has ${written.length} cues; the limit is ${MAX_CUES}.`,
    );
  }
  const skipped = { no_time: withoutTime, no_text: 0, before_start: 0 };
  const lined: LinedCue[] = [];
  for (const { start, end, text } of withEnds(written)) {
    const [from, until] = [toMilliseconds(start + shift), toMilliseconds(end + shift)];
    const lines = linesOf(markup === 'kept' ? text : withoutMarkup(text));
    if (lines.length === 0) skipped.no_text += 1;
    else if (until < 0 || (until === 0 && from < 0)) skipped.before_start += 1;
    else lined.push({ start: Math.max(0, from), end: until, lines });
  }
  const joined =
    markup === 'kept'
      ? lined.map(({ start, end, lines }) => ({ start, end, text: lines.join(' ') }))
      : joinContinuedCues(lined);
  return { cues: joined.flatMap(divided), skipped: counted(skipped) };
}

/** The counts that are not 0. */
export function counted(counts: SkippedCues): SkippedCues {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
}

function linesOf(text: string): readonly string[] {
  return plainText(text)
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter((line) => line !== '');
}

/** Divides a long text between words. Where each part is said is not known, so all have the same times. */
function divided(cue: Cue): readonly Cue[] {
  const parts: string[] = [];
  let rest = cue.text;
  while (rest.length > MAX_CHARS) {
    const space = rest.lastIndexOf(' ', MAX_CHARS);
    const at = space > 0 ? space : MAX_CHARS;
    parts.push(rest.slice(0, at).trim());
    rest = rest.slice(at).trim();
  }
  return [...parts, rest].map((text) => ({ ...cue, text }));
}
