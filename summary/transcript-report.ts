/** Accounts for every cue of a transcript: it is in a segment of the result, or counted with the reason. */
import type { ResultSegment, ResultTranscript } from '../schema/result.ts';
import type { Cue, SkippedCues } from '../schema/source.ts';
import type { StitchInput, StitchTranscript } from './stitch-input.ts';

/** Returns the `transcript` member of a result with these segments. */
export function reportTranscript(
  { cues, stream, encoding, skipped = {} }: StitchTranscript,
  input: Pick<StitchInput, 'source' | 'range'>,
  segments: readonly ResultSegment[],
): ResultTranscript {
  const placed = new Set(segments.flatMap(({ transcript = [] }) => transcript.map(({ cue }) => cue)));
  const counts = new Map(Object.entries(skipped) as [keyof SkippedCues, number][]); // the keys of the type
  for (const [index, cue] of cues.entries()) {
    if (placed.has(index)) continue;
    const reason = reasonFor(cue, input, segments);
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return {
    cues: cues.length,
    ...(stream === undefined ? {} : { stream }),
    ...(encoding === undefined ? {} : { encoding }),
    skipped: [...counts].map(([reason, count]) => ({ reason, cues: count })),
  };
}

function reasonFor(
  { start }: Cue,
  { source, range }: Pick<StitchInput, 'source' | 'range'>,
  segments: readonly ResultSegment[],
): keyof SkippedCues {
  if (source.type === 'video' && start >= source.duration) return 'after_end';
  if (range && (start < range.start || start >= range.end)) return 'outside_range';
  const isDescribed = segments.some(
    ({ start_time = 0, end_time = 0 }) => start >= start_time && start < end_time,
  );
  return isDescribed ? 'too_long' : 'in_gap';
}
